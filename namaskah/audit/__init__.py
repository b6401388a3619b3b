"""What staff did, what they noted, and the tokens that keep a form from acting twice."""
