"""The API guide as a program: its commands are run as they stand, and what it shows is compared."""
