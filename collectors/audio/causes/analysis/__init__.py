"""The analysis: from the evidence of a dropout to its event."""
