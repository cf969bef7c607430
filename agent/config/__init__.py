"""The configuration: its shape, where its file is, and reading it."""
