"""The text of `wr-agent dropouts`, for a terminal of 80 columns or more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from agent.terminal.report import wrapped
from agent.terminal.style import Terminal, harmless
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.reading import Answer, events_of, seconds_of
from collectors.audio.causes.words import CAUSES, culprit_words

_INDENT = " " * 4
_BAR = 12
_CAUSE_WIDTH = max(map(len, Cause))
_ROW_WIDTH = 19 + 2 + _CAUSE_WIDTH + 1 + 8 + 2 + 2 + 19
"""The width of a row without its device."""
_LEAST_DEVICE = 8
_MOST_CULPRITS = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Selection(NamedTuple):
    """The user's selection: words about the time, and a cause."""

    since: str
    cause: Cause | None


class CauseCount(msgspec.Struct, frozen=True):
    """A cause and its number of dropouts."""

    cause: Cause
    dropouts: int


class CulpritCount(msgspec.Struct, frozen=True):
    """A culprit, its number of dropouts, and those by cause."""

    kind: str
    name: str
    dropouts: int
    causes: dict[Cause, int]


class Summary(msgspec.Struct, frozen=True):
    """The most frequent causes and culprits, the first of each list first."""

    dropouts: int
    causes: list[CauseCount]
    culprits: list[CulpritCount]


def summary(events: Iterable[Event]) -> Summary:
    """Return the number of dropouts by cause and by culprit."""
    events = list(events)
    causes = Counter(event.cause for event in events)
    culprits: dict[tuple[str, str], Counter[Cause]] = {}
    for event in events:
        if event.culprit is not None:
            culprits.setdefault((event.culprit.kind, event.culprit.name), Counter())[event.cause] += 1
    counted = [CulpritCount(kind, name, it.total(), dict(it.most_common())) for (kind, name), it in culprits.items()]
    return Summary(
        dropouts=len(events),
        causes=[CauseCount(cause, count) for cause, count in causes.most_common()],
        culprits=sorted(counted, key=lambda it: -it.dropouts),
    )


def list_lines(answer: Answer, selection: Selection, terminal: Terminal) -> list[str]:
    """Return the lines of a list, the newest dropout last."""
    events = events_of(answer)
    if not events:
        return [_none(answer, selection)]
    lines = [line for event in events for line in _row(event, terminal)]
    total = len(events) + answer.more
    of_cause = f" of cause {selection.cause}" if selection.cause else ""
    counted = f"{_count(total)}{of_cause} {selection.since or _kept(answer)}".rstrip()
    shown = f"; the newest {len(events)} are shown, -n {total} shows all" if answer.more else ""
    footer = f"{counted}{shown}. wr-agent dropouts show ID has the evidence."
    return [*lines, "", *wrapped(footer, terminal.width)]


def _none(answer: Answer, selection: Selection) -> str:
    if not answer.oldest:
        return "no dropout is recorded"
    of_cause = f" of cause {selection.cause}" if selection.cause else ""
    return f"no dropout{of_cause} {selection.since or 'is recorded'}; the record begins at {_when(answer.oldest)}"


def _kept(answer: Answer) -> str:
    return f"since {_when(answer.oldest)}" if answer.oldest else ""


def _row(event: Event, terminal: Terminal) -> Iterator[str]:
    cause = f"{terminal.bold(event.cause.value)}{' ' * (_CAUSE_WIDTH - len(event.cause))}"
    room = max(terminal.width - _ROW_WIDTH, _LEAST_DEVICE)
    device = terminal.shortened(harmless(event.device), room)
    length = f"{_milliseconds(event.duration_ms):>8}"
    yield f"{_when(event.at)}  {cause} {length}  {device:{room}}  {terminal.faint(harmless(event.id))}"
    yield from wrapped(harmless(event.text), terminal.width, _INDENT)


def event_lines(event: Event, terminal: Terminal, now: float) -> list[str]:
    """Return the lines of one dropout in full."""
    rows = [
        ("when", f"{_exactly(event.at)}, {_ago(event.at, now)}"),
        ("length", _milliseconds(event.duration_ms)),
        ("device", f"{event.device}{f' of the server {event.server}' if event.server else ''}{_period(event)}"),
        ("cause", "unknown" if event.cause is Cause.UNKNOWN else f"{event.cause.value}: {CAUSES[event.cause]}"),
        ("confidence", f"{event.confidence:.0%}" if event.cause is not Cause.UNKNOWN else ""),
        ("culprit", culprit_words(event.culprit) if event.culprit else ""),
        ("victim", _victim(event)),
        ("also", ", ".join(f"{it.cause.value} {_milliseconds(it.ms)}" for it in event.others)),
        ("evidence", f"level {event.level} of 2"),
    ]
    lines = [terminal.bold(harmless(event.id)), *wrapped(harmless(event.text), terminal.width, _INDENT), ""]
    for name, value in rows:
        if value:
            first, *more = wrapped(harmless(value), terminal.width - 15, "")
            lines += [f"{_INDENT}{name:11}{first}", *(f"{' ' * 15}{line}" for line in more)]
    lines += _bullets("evidence", event.evidence, terminal)
    return lines + _bullets("missing, to know more", event.missing, terminal)


def _bullets(title: str, sentences: Sequence[str], terminal: Terminal) -> list[str]:
    if not sentences:
        return []
    lines = ["", terminal.bold(title)]
    for sentence in sentences:
        first, *more = wrapped(harmless(sentence), terminal.width - 6, "") or [""]
        lines += [f"{_INDENT}- {first}", *(f"{_INDENT}  {line}" for line in more)]
    return lines


def top_lines(found: Summary, since: str, terminal: Terminal) -> list[str]:
    """Return the lines of the most frequent causes and culprits."""
    if not found.dropouts:
        return [f"no dropout {since}"]
    lines = [f"{_count(found.dropouts)} {since}", "", terminal.bold("causes")]
    for it in found.causes:
        share = it.dropouts / found.dropouts
        row = f"  {it.dropouts:6} {_bar(share, terminal)} {share:4.0%}  {it.cause.value:15} {CAUSES[it.cause]}"
        lines.append(_cut(row, terminal))
    if found.culprits:
        lines += ["", terminal.bold("culprits")]
    for culprit in found.culprits[:_MOST_CULPRITS]:
        causes = ", ".join(f"{cause.value} {count}" for cause, count in culprit.causes.items())
        name = terminal.shortened(harmless(culprit.name) or culprit.kind, 28)
        lines.append(f"  {culprit.dropouts:6}  {name:28} {harmless(culprit.kind):8} {causes}")
    if len(found.culprits) > _MOST_CULPRITS:
        lines.append(f"  and {len(found.culprits) - _MOST_CULPRITS} more; --json has all")
    return lines


def _cut(row: str, terminal: Terminal) -> str:
    """Cut the end of a row that is wider than the terminal."""
    if len(row) <= terminal.width:
        return row
    return f"{row[: terminal.width - 1].rstrip()}{'…' if terminal.unicode else '~'}"


def _count(number: int) -> str:
    return f"{number} dropout{'s' * (number != 1)}"


def _bar(part: float, terminal: Terminal) -> str:
    full, empty = ("█", "░") if terminal.unicode else ("#", ".")
    filled = round(part * _BAR)
    return full * filled + empty * (_BAR - filled)


def _victim(event: Event) -> str:
    if not event.victim:
        return ""
    late = f", {_milliseconds(event.late_ms)} late" if event.late_ms else ""
    explained = f", {_milliseconds(event.explained_ms)} of it explained" if late and event.explained_ms else ""
    return f"{event.victim}{late}{explained}"


def _period(event: Event) -> str:
    return f", {_milliseconds(event.period_ms)} a buffer" if event.period_ms else ""


def _milliseconds(value: float) -> str:
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"  # noqa: PLR2004 - milliseconds a second


def _local(at: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds_of(at)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _when(at: str) -> str:
    """Return a local time of fixed width."""
    local = _local(at)
    return f"{local:%Y-%m-%d %H:%M:%S}" if local else harmless(at)


def _exactly(at: str) -> str:
    local = _local(at)
    return f"{_when(at)}.{local.microsecond // 1000:03} {local:%z}" if local else at


def _ago(at: str, now: float) -> str:
    local = _local(at)
    seconds = max(now - local.timestamp(), 0) if local else 0.0
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
