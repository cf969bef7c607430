"""The runbooks: one Markdown file for each alert. People write the text; this package writes what the rules state.

`python -m monitoring.runbooks` writes the head and the escalation of each file from `monitoring/prometheus/rules/`.
"""
