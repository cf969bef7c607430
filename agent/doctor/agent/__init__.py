"""Checks of the agent: its configuration, state and connections."""
