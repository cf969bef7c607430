"""The Loki client: it pushes streams and reports the result of each entry.

`config` owns the settings, `encode` request bodies, `answers` the meaning of responses, `access` credentials, TLS and
the proxy, `health` metrics and findings, and `client` joins them.
"""
