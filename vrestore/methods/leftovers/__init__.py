"""Look for what is left of a removed object around its hole: a rim of it, or its shadow."""
