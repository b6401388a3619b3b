"""What can go wrong with a call, played on purpose."""
