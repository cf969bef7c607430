"""The access rules of the agent's port, in the format of Prometheus's exporters: TLS, certificates and passwords."""
