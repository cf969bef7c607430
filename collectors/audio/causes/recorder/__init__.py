"""The rolling memory of the last seconds, from which the evidence of a dropout is frozen."""
