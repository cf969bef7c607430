"""Level 2 of the evidence: the kernel's own trace of threads, wake-ups and interrupts.

`helper` is the small recorder that runs as root. `client` is the daemon's connection to it. `captured` turns what the
helper hands out into a `Trace`, in the process of the analysis.
"""
