"""The daemon: its collectors, their supervision and health."""
