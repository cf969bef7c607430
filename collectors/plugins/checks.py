"""The checks and findings of the plugins collector, as of its last look. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from itertools import groupby

from collectors import remedies
from collectors.findings import Check, Finding, Severity
from collectors.plugins.gone import Gone, GoneReason
from collectors.plugins.instance import Instance
from collectors.plugins.polled import PolledInstance
from collectors.plugins.refusals import Reason, Refusal
from collectors.plugins.render_times import AT_RISK, LateRendering
from collectors.plugins.sockets import FoundSockets

_SHOWN = 3
_QUIET = frozenset({Reason.RESERVED_NAME})  # every Prometheus library reports its own process too


def plugin_checks(
    found: Callable[[], FoundSockets],
    instances: Callable[[], list[Instance]],
    gone: Callable[[], list[Gone]],
    unknown: Callable[[], Sequence[str]],
    late: Callable[[], Sequence[LateRendering]],
) -> tuple[Check, ...]:
    """Return the checks.

    Args:
        found: Returns the result of the last look at the directories.
        instances: Returns the sockets that are polled now, and the processes that push.
        gone: Returns the plugins that are missing now.
        unknown: Returns the users in the configuration that do not exist.
        late: Returns the plugins whose render time is near their deadline, or above it.
    """
    return (
        Check("plugins.users", "The users of plugins exist", lambda: _unknown_users(unknown())),
        Check("plugins.sockets", "The sockets of plugins can be trusted", lambda: _refused_files(found())),
        Check("plugins.answers", "The plugins answer", lambda: _failing(instances(), gone())),
        Check("plugins.gone", "No plugin is missing", lambda: _missing(gone())),
        Check("plugins.deadlines", "The plugins render in time", lambda: [*map(_late, late())]),
        Check(
            "plugins.metrics", "The agent passes on everything that plugins report", lambda: _refused_parts(instances())
        ),
    )


def _unknown_users(unknown: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            code="plugins-unknown-user",
            title=f"The user {user} does not exist",
            severity=Severity.WARNING,
            detail=f"plugins.users names {user!r}; this machine has no such user.",
            affects="The agent does not poll sockets of that user.",
            remedy=(f"getent passwd {user}", remedies.in_section("[plugins]", "correct users")),
        )
        for user in unknown
    ]


def _refused_files(found: FoundSockets) -> list[Finding]:
    refused = sorted(found.refused, key=lambda file: file.reason)
    return [
        Finding(
            code="plugin-socket-refused",
            title=f"The agent does not poll some sockets: {reason.replace('_', ' ')}",
            severity=Severity.WARNING,
            detail=_few([file.detail for file in files]),
            affects="Plugins that listen there are not measured.",
            remedy=(*dict.fromkeys(file.remedy for file in files[:_SHOWN]), "docs/plugins.md lists the rules of trust"),
        )
        for reason, files in ((reason, list(files)) for reason, files in groupby(refused, lambda file: file.reason))
    ]


def _failing(instances: Sequence[Instance], gone: Sequence[Gone]) -> list[Finding]:
    polled = [it for it in instances if isinstance(it, PolledInstance)]
    failures = [(it, it.last.failure) for it in polled if it.last and it.last.failure and not it.stale]
    missing = {path for it in gone for path in it.paths}
    replaced = [it for it in polled if it.stale and it.place not in missing]
    return [*(_failure(it, failure) for it, failure in failures), *_stale(replaced)]


def _missing(gone: Sequence[Gone]) -> list[Finding]:
    vanished = {it.plugin: _vanished(it) for it in gone if it.missing and it.reason is GoneReason.VANISHED}
    expected = [it for it in gone if it.missing and it.reason is GoneReason.EXPECTED and it.plugin not in vanished]
    return [*vanished.values(), *map(_expected, expected)]


def _vanished(gone: Gone) -> Finding:
    return Finding(
        code="plugin-vanished",
        title=f"The plugin {gone.plugin} ended without closing its socket",
        severity=Severity.FAILURE if gone.service else Severity.WARNING,
        detail=f"No process listens at {_few(gone.paths)}, so it was killed or crashed. No later process replaced it.",
        affects=f"The service {gone.service} does not run." if gone.service else "It is no longer measured.",
        remedy=(
            "start it again; its client library removes the old socket",
            *(f"rm {shlex.quote(path)}  # if it should not run any more" for path in gone.paths[:_SHOWN]),
        ),
    )


def _expected(gone: Gone) -> Finding:
    return Finding(
        code="plugin-missing",
        title=f"The plugin {gone.plugin} does not run",
        severity=Severity.FAILURE,
        detail=f"plugins.expected names {gone.plugin!r}, and no process listens on a socket {gone.plugin}.PID.sock.",
        affects=f"{gone.service or gone.plugin} does not run, or is not measured.",
        remedy=("start it", "wr-agent plugins  # lists the directories and the sockets in them"),
    )


def _late(late: LateRendering) -> Finding:
    is_over = late.share >= 1
    over = f" {late.over:.1%} of its buffers took longer." if late.over else ""
    xruns = f" It reported {late.xruns} dropouts in that time." if late.xruns else ""
    return Finding(
        code="plugin-render-late",
        title=f"The plugin {late.plugin} {'misses its deadline' if is_over else 'is close to its deadline'}",
        severity=Severity.FAILURE if is_over else Severity.WARNING,
        detail=f"The 99th percentile of its render time in the last minute is {late.p99 * 1000:.3g} ms,"
        f" {late.share:.0%} of the {late.deadline * 1000:.3g} ms of a buffer; expected at most"
        f" {AT_RISK:.0%}.{over}{xruns}",
        affects="A buffer that is not rendered in time is a dropout."
        + ("" if is_over else " A little more load causes one."),
        remedy=(
            "wr-agent status  # shows the render time of each plugin",
            f"use a larger buffer, or fewer voices or a lower quality in {late.plugin}",
            "end other programs that use the processors, and set the governor performance",
        ),
    )


def _failure(instance: Instance, failure: Refusal) -> Finding:
    return Finding(
        code="plugin-not-answering",
        title=f"The plugin {instance.plugin.name} serves no metrics",
        severity=Severity.WARNING,
        detail=f"{instance.place}: {failure.detail}.",
        affects="Its gauges are missing and its totals stand still. The agent polls it again at each interval.",
        remedy=remedies.command(f"curl --max-time 5 --unix-socket {shlex.quote(instance.place)} http://plugin/metrics"),
    )


def _stale(instances: Sequence[Instance]) -> list[Finding]:
    if not instances:
        return []
    paths = [instance.place for instance in instances]
    return [
        Finding(
            code="plugin-socket-stale",
            title="Plugins that crashed and were restarted left sockets behind",
            severity=Severity.INFO,
            detail=f"No process listens at {_few(paths)}. Later processes of the same plugins answer.",
            affects="Nothing now; each socket is left from a process that was killed or crashed.",
            remedy=tuple(f"rm {shlex.quote(path)}" for path in paths[:_SHOWN]),
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
            title=f"The agent refuses some metrics of the plugin {plugin}",
            severity=Severity.WARNING,
            detail=_few(details),
            affects="These are missing from /metrics; the plugin's other metrics are there.",
            remedy=("wr-agent plugins", "correct them in the plugin; docs/plugins.md lists what is accepted"),
        )
        for plugin, details in by_plugin.items()
    ]


def _few(texts: Collection[str]) -> str:
    first, rest = list(texts)[:_SHOWN], len(texts) - _SHOWN
    return "; ".join(first) + (f"; and {rest} more" if rest > 0 else "")
