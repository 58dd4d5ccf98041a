"""Encoders: which one, in which layout, how well, and what holds its packets."""
