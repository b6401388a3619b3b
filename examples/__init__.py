"""A client of the Namaskah payments API: copy this folder; it needs Python 3.11 and httpx, and nothing else."""
