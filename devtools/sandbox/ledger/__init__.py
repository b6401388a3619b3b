"""What the sandbox remembers; in fault tests, what really happened."""
