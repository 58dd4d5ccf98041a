"""Pictures, cells and code values in other sizes and types."""
