"""The agent as a service of this machine: installing, showing and removing what systemd or launchd start it by.

The definitions themselves are the files of `systemd/` and `launchd/` at the top of the project.
"""
