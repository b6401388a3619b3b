"""Screenshots of every page of the back office, found by following its links. Needs Playwright and Chromium."""
