"""Optical flow - estimate, complete inside the hole, check."""
