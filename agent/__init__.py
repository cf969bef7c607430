"""The wr-agent daemon: command line, configuration, supervision, exposition, web and doctor.

It imports `collectors` through one explicit list (`agent.core.catalog`); nothing there imports it back.
"""

__version__ = "0.1.0"
