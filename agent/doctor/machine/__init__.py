"""Checks of the machine: its fitness for low-latency audio."""
