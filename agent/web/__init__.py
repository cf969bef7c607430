"""The HTTP servers and the limits on their peers."""
