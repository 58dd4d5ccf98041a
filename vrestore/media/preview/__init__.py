"""Clips and pictures for looking at: comparisons and maps."""
