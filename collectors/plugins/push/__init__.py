"""Apps without an agent next to them, which push their pages over HTTP.

`tokens` tells which plugin a caller may push for, `pushed` adds the pages of one process to its plugin's totals, and
`receiver` holds all processes within their limits. The agent's web server calls the receiver; `listener` is the
interface between them.
"""
