"""Who may talk to the agent's port: TLS, client certificates and passwords, in the format of Prometheus's exporters."""
