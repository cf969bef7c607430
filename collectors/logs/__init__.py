"""Logs: files and the journal, through a pipeline of stages, to Loki.

`records` is what the parts hand each other; `pipeline` turns the lines of a batch into streams by way of `stages`.
"""
