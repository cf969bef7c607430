"""The probe: one stream in a child process, and the agent's side of it.

Nothing is imported here, because the child must stay small. `__main__` is the child.
"""
