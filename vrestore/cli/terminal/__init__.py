"""What people see and answer: progress, closing lines, failures, the log."""
