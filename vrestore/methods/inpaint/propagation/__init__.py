"""Propagation: where hidden pixels lie in other frames, and their colors fetched from there."""
