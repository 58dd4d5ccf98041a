"""The methods: what a frame goes through, and what each can be told."""
