"""Tools for developers; the product imports nothing of them, and they nothing of the product."""
