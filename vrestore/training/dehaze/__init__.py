"""Training of the dehazing network."""
