"""What every page of the back office shares: the site, read-only lists, forms that act once, step-up, exports."""
