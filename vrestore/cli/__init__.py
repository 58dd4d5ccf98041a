"""The command line: words become a job, the job becomes a report."""
