"""Texture for what no frame shows: patches of the surroundings, put together into a picture of the hole."""
