"""Pushing to Loki: `LokiClient` takes streams and says what became of each entry.

`config` is what a user may say, `encode` makes request bodies, `answers` reads what Loki says to one, `access` holds
credentials and TLS, `health` remembers how Loki fares, and `client` puts them together.
"""
