"""Inpainting: what a hole covers is filled from the rest of the video."""
