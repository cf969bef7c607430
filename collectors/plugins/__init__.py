"""Plugins and apps that serve their metrics on Unix sockets.

`sockets` finds the sockets, `trust` decides which may be polled, and `answers` checks what they respond over HTTP.
`parsed_page` reads a page in Prometheus text 0.0.4 or OpenMetrics 1.0, and `plan` decides what is re-exported.
`process_counts` and `series` sum it over instances. `instance` polls one socket, `gone` finds missing plugins, and
`collector` joins all of it.
"""
