"""Change mask files: unite them, grow them, move them in time, and write the result as one."""
