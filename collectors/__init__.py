"""Collectors: one module or one small package a source.

Shared helpers lie here too: `base` (the collector), `metrics` (its families), `findings` (its diagnosis) and `units`
(durations and sizes of the configuration). `offloop` runs blocking calls, `kernel_files` reads /proc and /sys.
Nothing here imports `agent`.
"""
