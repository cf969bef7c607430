"""Causes of dropouts: the evidence of the last seconds, its analysis and its events."""
