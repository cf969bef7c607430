"""The audio device: is it alive, does it keep its deadlines, what does it carry.

Nothing is imported here, because the probe's process must stay small. The collector is in `collector`, its
configuration in `config`; `passive` and `probe_process` are its two observers, `probe` is the child process.
"""
