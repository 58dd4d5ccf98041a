"""Find what a job is to fill or restore, before it starts."""
