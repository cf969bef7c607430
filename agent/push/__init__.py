"""Pushing metrics: what a scrape gives, on disk first, then by Prometheus remote write to a receiver."""
