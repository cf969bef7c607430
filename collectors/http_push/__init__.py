"""HTTP requests to a receiver that the agent pushes to: access, back-off and answers. Loki and remote write use it."""
