"""Pictures to learn from, and what is drawn over them."""
