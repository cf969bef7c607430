"""Live values and the last hour, for the status page and `wr-agent status`."""
