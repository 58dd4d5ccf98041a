"""One run: its options, files, loop, checkpoints and report."""
