"""The patch alone: what was changed of a picture, with alpha, to lay over the original."""
