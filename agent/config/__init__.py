"""The configuration: its schema, its location and its reader."""
