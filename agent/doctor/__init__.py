"""What `wr-agent doctor` asks beside the collectors: is this machine fit for low latency, can this agent do its job.

Everything here only reads. The running of checks belongs to `agent.core.diagnosis`, their wording for a terminal to
`agent.terminal.report`.
"""
