"""Find burnt-in words: lines of writing that come, stand for a while before the picture, and go."""
