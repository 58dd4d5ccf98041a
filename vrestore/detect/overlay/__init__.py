"""Measure what a semi-transparent overlay does to the picture behind it."""
