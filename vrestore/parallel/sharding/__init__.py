"""Parts of one video: how they are found, what a worker is told of one, and how it works on it."""
