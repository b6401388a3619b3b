"""What `dev.py up` shows: people, rates, and thirty days of made-up payments. Never where money is real."""
