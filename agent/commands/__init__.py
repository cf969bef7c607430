"""The subcommands of `wr-agent`, one module each: `HELP`, `add_arguments(parser)` and `run(arguments)`."""
