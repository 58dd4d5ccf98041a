"""Reading pictures and features at displaced places."""
