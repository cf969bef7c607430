"""The checks of `wr-agent doctor` that belong to no collector.

Checks only read. `agent.core.diagnosis` runs them; `agent.terminal.report` writes them to a terminal.
"""
