"""Plugins and apps that answer on Unix sockets.

`sockets` finds them and `trust` says which may be asked; `connection` asks; `parsed_page` and `plan` make of an
answer what is re-exported; `process_counts` and `series` sum it over instances; `instance` polls one socket, and `collector`
joins them. What an answer may be is Prometheus text 0.0.4 or OpenMetrics 1.0, over HTTP/1.0 or 1.1.
"""
