"""What lasts, of an agent that runs."""

from __future__ import annotations

from agent import __version__
from agent.live.moment import CollectorHealth, Standing
from agent.sources import Sources


def standing(sources: Sources) -> Standing:
    """The health of the collectors, and the outcomes of the last round of checks."""
    outcomes = sources.health.last
    return Standing(
        version=__version__,
        config_error=sources.refusal,
        collectors=[CollectorHealth(name, it.error) for name, it in sources.supervisor.supervised.items()],
        checks=len(outcomes),
        findings=[finding for outcome in outcomes for finding in outcome.findings],
    )
