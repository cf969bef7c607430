"""Prometheus text 0.0.4 and OpenMetrics 1.0, read line by line; used by plugins and by the host's text files."""
