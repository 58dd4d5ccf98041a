"""Look at a mask and at the picture under it: late, turned round, flickering, or too narrow."""
