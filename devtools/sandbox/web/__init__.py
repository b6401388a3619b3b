"""HTTP: requests, answers, and the bare connection that faults are played on."""
