"""Surfaces, filters and the haze model: what is smooth, and what follows edges."""
