"""What wr-agent measures: one module, or one small package, a source.

What a collector is made of lives here too: `base` (the collector itself), `metrics` (what it exports),
`findings` (what it says to a person), `units` (durations and sizes in its configuration).
Nothing here imports `agent`.
"""
