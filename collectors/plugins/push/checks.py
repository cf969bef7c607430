"""The checks and findings of pushed pages."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.findings import Check, Finding, Severity
from collectors.plugins.push.pushed import PushedInstance
from collectors.plugins.push.receiver import Receiver


def push_checks(receiver: Receiver) -> tuple[Check, ...]:
    """Return the checks of what a receiver accepts."""
    return (
        Check("plugins.push_tokens", "The tokens of apps that push are valid and private", receiver.tokens.findings),
        Check("plugins.pushes", "The agent accepts what apps push", lambda: _refused(receiver.instances)),
    )


def _refused(instances: Sequence[PushedInstance]) -> list[Finding]:
    by_plugin: dict[str, list[str]] = {}
    for instance in instances:
        if instance.last and instance.last.failure:
            by_plugin.setdefault(instance.plugin.name, []).append(instance.last.failure.detail)
    return [
        Finding(
            code="plugin-push-refused",
            title=f"The agent refuses pages that {plugin} pushes",
            severity=Severity.WARNING,
            detail=f"The last pages of {len(details)} of its processes are refused, such as: {details[0]}.",
            affects="Their gauges are missing and their counts stand still. The processes push again.",
            remedy=("wr-agent plugins", "correct the page in the app; docs/plugins.md lists what is accepted"),
        )
        for plugin, details in by_plugin.items()
    ]
