"""Words to a job to a report."""
