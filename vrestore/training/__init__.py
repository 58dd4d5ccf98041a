"""How the shipped weights were made, and how to make one's own."""
