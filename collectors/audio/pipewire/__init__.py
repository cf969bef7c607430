"""PipeWire's graph, as `pw-top` prints it."""
