"""What the plugins collector says to a person: its checks and findings, of how things are at the last look. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby

from collectors.findings import Check, Finding, Severity
from collectors.plugins.instance import Instance
from collectors.plugins.refusals import Reason, Refusal
from collectors.plugins.sockets import FoundSockets

_SHOWN = 3
_QUIET = frozenset({Reason.RESERVED_NAME})  # every Prometheus library reports its own process too


def plugin_checks(
    found: Callable[[], FoundSockets], instances: Callable[[], list[Instance]], unknown: Sequence[str]
) -> tuple[Check, ...]:
    """The checks.

    Args:
        found: The last look at the directories.
        instances: What is polled now.
        unknown: Users of the configuration who do not exist.
    """
    return (
        Check("plugins.users", "The users of plugins exist", lambda: _unknown_users(unknown)),
        Check("plugins.sockets", "The sockets of plugins can be trusted", lambda: _refused_files(found())),
        Check("plugins.answers", "The plugins answer", lambda: _failing(instances())),
        Check("plugins.metrics", "What plugins report can be passed on", lambda: _refused_parts(instances())),
    )


def _unknown_users(unknown: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            code="plugins-unknown-user",
            title=f"There is no user {user}",
            severity=Severity.WARNING,
            detail=f"plugins.users names {user!r}, whom this machine does not know.",
            affects="Sockets of that user are not used.",
            remedy=(f"getent passwd {user}", "correct plugins.users in the configuration"),
        )
        for user in unknown
    ]


def _refused_files(found: FoundSockets) -> list[Finding]:
    refused = sorted(found.refused, key=lambda file: file.reason)
    return [
        Finding(
            code="plugin-socket-refused",
            title=f"Sockets of plugins are not used: {reason.replace('_', ' ')}",
            severity=Severity.WARNING,
            detail=_few([file.detail for file in files]),
            affects="What listens there is not measured.",
            remedy=(*dict.fromkeys(file.remedy for file in files[:_SHOWN]), "docs/plugins.md says who is trusted"),
        )
        for reason, files in ((reason, list(files)) for reason, files in groupby(refused, lambda file: file.reason))
    ]


def _failing(instances: Sequence[Instance]) -> list[Finding]:
    failures = [(it, it.last.failure) for it in instances if it.last and it.last.failure]
    stale = [it for it, failure in failures if failure.reason is Reason.STALE]
    return [*(_failure(it, failure) for it, failure in failures if it not in stale), *_stale(stale)]


def _failure(instance: Instance, failure: Refusal) -> Finding:
    return Finding(
        code="plugin-not-answering",
        title=f"The plugin {instance.plugin.name} gives no metrics",
        severity=Severity.WARNING,
        detail=f"{instance.file.path}: {failure.detail}.",
        affects="Its gauges are missing and its totals stand still; it is asked again at each interval.",
        remedy=(f"curl --max-time 5 --unix-socket {instance.file.path} http://plugin/metrics",),
    )


def _stale(instances: Sequence[Instance]) -> list[Finding]:
    if not instances:
        return []
    paths = [instance.file.path for instance in instances]
    return [
        Finding(
            code="plugin-socket-stale",
            title="Sockets were left behind by plugins that ended",
            severity=Severity.INFO,
            detail=f"Nobody listens at {_few(paths)}.",
            affects="Nothing; a plugin that leaves its socket behind has not ended in order.",
            remedy=tuple(f"rm {path}" for path in paths[:_SHOWN]),
        )
    ]


def _refused_parts(instances: Sequence[Instance]) -> list[Finding]:
    by_plugin: dict[str, dict[str, None]] = {}
    for instance in instances:
        for reason, detail in instance.last.refused if instance.last else ():
            if reason not in _QUIET:
                by_plugin.setdefault(instance.plugin.name, {})[detail] = None
    return [
        Finding(
            code="plugin-metrics-refused",
            title=f"Some metrics of the plugin {plugin} are not passed on",
            severity=Severity.WARNING,
            detail=_few(details),
            affects="These are missing from /metrics; all else of the plugin is there.",
            remedy=("wr-agent plugins", "correct them in the plugin; docs/plugins.md says what is taken"),
        )
        for plugin, details in by_plugin.items()
    ]


def _few(texts: Collection[str]) -> str:
    first, rest = list(texts)[:_SHOWN], len(texts) - _SHOWN
    return "; ".join(first) + (f"; and {rest} more" if rest > 0 else "")
