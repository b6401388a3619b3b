"""What only a sandbox offers: `/sandbox/…`, for this machine alone."""
