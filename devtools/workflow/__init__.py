"""What `dev.py` does, step by step; standard library only, because it runs before anything is installed."""
