"""A job as a value, and running it."""
