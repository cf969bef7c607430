"""The times that log lines carry: formats, zones, and dates that lack a part."""
