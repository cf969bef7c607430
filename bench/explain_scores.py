"""The scores of `bench.explain`: explanations against the truth, for each level of evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from bench.table import table
from collectors.audio.causes.analysis.analyse import analyse
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.evidence import Evidence

_CONTAMINATED_MS = 30.0
_CONFIDENT = 0.9
_SECONDS = 5.0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One injected fault and its explanation.

    Attributes:
        fault: The fault's name.
        loaded: Whether all processors were busy.
        cause: The true cause.
        pids: The processes of which one is the culprit; empty if the cause has none.
        ms: The milliseconds of the fault; 0 if they cannot be known.
        start_ns: Monotonic time of its start.
        end_ns: Monotonic time of its end.
        stolen_ms: The time that the hypervisor took meanwhile.
        heard: The number of xruns and late callbacks that the independent client saw.
        event: The agent's event; None without one.
        seconds: The time from the fault's end to the event.
        evidence: The evidence that the agent kept.
    """

    fault: str
    loaded: bool
    cause: Cause
    pids: tuple[int, ...]
    ms: float
    start_ns: int
    end_ns: int
    stolen_ms: float
    heard: int
    event: Event | None
    seconds: float
    evidence: Evidence | None

    @property
    def contaminated(self) -> bool:
        """True if the hypervisor took too much time."""
        return self.stolen_ms >= _CONTAMINATED_MS


def at_level(evidence: Evidence, level: int) -> Evidence:
    """Return the evidence without what only a higher level has."""
    if level < 2:  # noqa: PLR2004 - the level of the trace
        evidence = msgspec.structs.replace(evidence, trace=None)
    return evidence if level else msgspec.structs.replace(evidence, cycles=())


def report(records: Sequence[Record]) -> str:
    """Return all tables."""
    judged = [record for record in records if record.event is not None and record.evidence is not None]
    clean = [record for record in judged if not record.contaminated]
    lines = [_counts(records, judged, clean), ""]
    rows = []
    for loads, title in (((False,), "quiet"), ((True,), "loaded"), ((False, True), "all")):
        chosen = [record for record in clean if record.loaded in loads]
        rows += [[f"{title}, level {level}", *_scores(chosen, level)] for level in _levels(chosen)]
    dirty = [record for record in judged if record.contaminated]
    rows += [[f"contaminated, level {level}", *_scores(dirty, level)] for level in _levels(dirty)]
    lines += [table(["", *_COLUMNS], rows), ""]
    for level in reversed(_levels(clean)):
        lines += [f"level {level}, by fault", table(["", *_COLUMNS], _by_fault(clean, level)), ""]
    if clean:
        best = max(_levels(clean))
        lines += [f"confusion at level {best}", confusion(clean, best), "", calibration(clean, best)]
    return "\n".join(lines)


def _counts(records: Sequence[Record], judged: Sequence[Record], clean: Sequence[Record]) -> str:
    silent = sum(record.event is None and not record.heard for record in records)
    missed = sum(record.event is None and record.heard > 0 for record in records)
    late = sum(record.seconds > _SECONDS for record in judged)
    return (
        f"{len(records)} faults: {silent} without a dropout, {missed} heard by the independent client but without an "
        f"event, {len(judged)} explained, {late} of them after more than {_SECONDS:g} s, "
        f"{len(judged) - len(clean)} contaminated"
    )


def _levels(records: Iterable[Record]) -> list[int]:
    found = [record.evidence.level for record in records if record.evidence is not None]
    return list(range(max(found) + 1)) if found else []


_COLUMNS = ("n", "top 1", "top 2", "process", "ms +-30 %", "unknown", "sure", "sure, wrong")


def _events(records: Iterable[Record], level: int) -> list[tuple[Record, Event]]:
    found = [(record, at_level(record.evidence, level)) for record in records if record.evidence is not None]
    return [(record, analyse(evidence)) for record, evidence in found if evidence.level >= level]


def _scores(records: Iterable[Record], level: int) -> list[str]:
    pairs = _events(records, level)
    with_pid = [pair for pair in pairs if pair[0].pids]
    with_ms = [(record, event) for record, event in pairs if record.ms and event.cause is record.cause]
    sure = [pair for pair in pairs if pair[1].confidence >= _CONFIDENT]
    return [
        str(len(pairs)),
        _part(sum(event.cause is record.cause for record, event in pairs), len(pairs)),
        _part(sum(record.cause in _first_two(event) for record, event in pairs), len(pairs)),
        _part(sum(_has_culprit(record, event) for record, event in with_pid), len(with_pid)),
        _part(sum(abs(event.explained_ms - record.ms) <= 0.3 * record.ms for record, event in with_ms), len(with_ms)),
        _part(sum(event.cause is Cause.UNKNOWN for _, event in pairs), len(pairs)),
        _part(len(sure), len(pairs)),
        _part(sum(event.cause is not record.cause for record, event in sure), len(sure)),
    ]


def _part(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if total else "-"


def _first_two(event: Event) -> list[Cause]:
    return [event.cause, *(other.cause for other in event.others[:1])]


def _has_culprit(record: Record, event: Event) -> bool:
    return event.culprit is not None and event.culprit.pid in record.pids


def _by_fault(records: Sequence[Record], level: int) -> list[list[str]]:
    faults = dict.fromkeys(record.fault for record in records)
    return [[fault, *_scores([record for record in records if record.fault == fault], level)] for fault in faults]


def confusion(records: Sequence[Record], level: int) -> str:
    """Return the matrix of true causes (rows) and named causes (columns)."""
    counts = Counter((record.cause, event.cause) for record, event in _events(records, level))
    named = sorted({cause for _, cause in counts})
    true = sorted({cause for cause, _ in counts})
    return table(["", *named], [[cause, *(str(counts[cause, other] or ".") for other in named)] for cause in true])


def calibration(records: Sequence[Record], level: int) -> str:
    """Return how often explanations of a confidence are right."""
    pairs = _events(records, level)
    rows = []
    for low in (0.0, 0.5, 0.7, 0.8, 0.9, 0.95):
        high = {0.0: 0.5, 0.5: 0.7, 0.7: 0.8, 0.8: 0.9, 0.9: 0.95}.get(low, 1.01)
        chosen = [(record, event) for record, event in pairs if low <= event.confidence < high]
        right = sum(event.cause is record.cause for record, event in chosen)
        rows.append([f"confidence {low:g} to {min(high, 1):g}", str(len(chosen)), _part(right, len(chosen))])
    return table(["", "n", "right"], rows)
