"""Request ids, logs, health and heartbeats."""
