"""The proof that the journal of this machine yields entries to its log source."""

from __future__ import annotations

import time
from collections.abc import Sequence

from agent.config import loader
from agent.config.log_sources import LogSource, Proposal
from agent.terminal.style import harmless

_ENTRIES = 100
_UNITS = 5
_SECONDS = 20.0
_READ_LATER_NS = 3600 * 10**9
_RIGHTS = "run this as root or as a member of the group systemd-journal"


def propose(journal: LogSource) -> Proposal:
    """Read the newest entries of the journal and pass them through the stages of its source.

    Returns:
        The source if each entry keeps its own time, else nothing; and the reason.
    """
    from collectors.logs import journal as reader

    try:
        entries = reader.newest(_ENTRIES, _SECONDS)
    except OSError as error:
        return _left_out(f"{error.filename}: {error.strerror}")
    if not entries:
        return _left_out(f"journalctl shows no entry; if there are any, {_RIGHTS}")
    expected = [reader.entry_time(entry) for entry in entries]
    times, units = _shipped(journal, entries, expected)
    if times != expected:
        return _left_out(f"{len(times)} of {len(entries)} entries passed the stages, but not all with their time")
    newest = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(expected[-1] // 10**9))
    return Proposal((journal,), (f"added: {len(entries)} entries read, the newest of {newest}{_of_units(units)}",))


def _left_out(reason: str) -> Proposal:
    return Proposal((), (f"left out: {harmless(reason)}",))


def _shipped(journal: LogSource, entries: Sequence[bytes], expected: Sequence[int]) -> tuple[list[int], list[str]]:
    """Return the times that Loki would get, and the units of the entries."""
    from collectors.logs.pipeline import Pipeline
    from collectors.logs.records import Batch

    config = f'loki.url = "http://127.0.0.1:3100"\n{journal.toml()}'
    (source,) = loader.parse(config, "the source of the journal").logs.sources
    pipeline = Pipeline(source.name, source.stages)
    times: list[int] = []
    units: set[str] = set()
    for entry, moment in zip(entries, expected, strict=True):
        # Read later: an entry whose time no stage finds gets the time of reading.
        batch = Batch(source.name, [entry], moment + _READ_LATER_NS, {}, final=True)
        for stream in pipeline.process(batch).streams:
            times += stream.timestamps
            units.update(value for name, value in stream.labels if name == "unit")
    return times, sorted(units)


def _of_units(units: Sequence[str]) -> str:
    if not units:
        return ""
    more = f" and {len(units) - _UNITS} more" if len(units) > _UNITS else ""
    return f", of {', '.join(map(harmless, units[:_UNITS]))}{more}"
