"""What is happening now, and in the last hour: for the status page and `wr-agent status`."""
