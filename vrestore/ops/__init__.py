"""Tensor functions in torch; each is the definition of its operation."""
