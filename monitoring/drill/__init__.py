"""The drill and the demo: a studio with real processes, the stack, and stand-in receivers on loopback.

`receivers` stands in for PagerDuty, Slack and a mail server. `service` is a simulated service, `studio` runs all,
`exercises` injects faults, and `score` rates the answers. Nothing here reaches a real receiver.
"""
