"""`wr-agent doctor --bundle`: a support bundle in one file, which its owner can read first.

Nothing is sent. Everything that goes in passes `scrub`; what the configuration says is chosen by `configuration`.
"""
