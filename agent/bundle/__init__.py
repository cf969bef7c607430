"""`wr-agent doctor --bundle`: what somebody who helps needs to see, in one file that its owner can read first.

Nothing is sent. Everything that goes in passes `scrub`; what the configuration says is chosen by `configuration`.
"""
