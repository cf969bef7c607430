"""The command `wr-agent logs try`: a dry run of a pipeline that sends and keeps nothing."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import loader, locations
from agent.terminal.style import Terminal, harmless

if TYPE_CHECKING:
    from collectors.logs.config import SourceConfig
    from collectors.logs.pipeline import Shown, Step
    from collectors.logs.records import Stream

HELP = "run a source's pipeline on a file or standard input, and show what it would send"

MAX_BYTES = 1 << 20
"""The most bytes to read. The output says that the rest is left out."""

PROBLEMS = {
    "container": "not in the format of a container's log",
    "json": "not JSON",
    "label_values": "beyond the limit of label values",
    "level": "without a known level",
    "logfmt": "not logfmt",
    "metric_numbers": "without a number for a metric",
    "metric_series": "beyond the limit of a metric's series",
    "output": "without the field of the output",
    "regex": "not matched by a regex",
    "timestamp_absurd": "with an impossible time, sent with the time of their neighbours",
    "timestamp_missing": "without a time, sent with the time of their neighbours",
    "truncated": "too long for a stage",
}
"""The words for what a stage could not process."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a trial.

    Attributes:
        lines: The number of lines read.
        is_cut: True if the input has more.
        streams: What would be sent.
        dropped: The number of dropped lines by reason.
        missed: The number of entries that a stage could not process, by problem.
    """

    lines: int
    is_cut: bool
    streams: Sequence[Stream]
    dropped: Counter[str]
    missed: Counter[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the action `try` and its arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    trying = actions.add_parser("try", help=HELP, description=HELP)
    trying.set_defaults(parser=trying)
    trying.add_argument("--config", metavar="FILE", help="the configuration with the source")
    trying.add_argument("--source", metavar="NAME", help="the source; optional if there is only one")
    trying.add_argument("--steps", action="store_true", help="show every line after each stage")
    trying.add_argument("--json", action="store_true", help="print one JSON document")
    trying.add_argument("file", nargs="?", help="the log file, also a compressed one; - or nothing is standard input")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if the pipeline ran, 1 otherwise."""
    from collectors.logs.pipeline import Pipeline

    loaded = loader.load(locations.find(arguments.config))
    name = None if arguments.file == "-" else arguments.file
    try:
        source = _chosen(loaded.logs.sources, arguments.source)
        lines, is_cut = _lines(name)
    except LookupError as error:
        print(f"wr-agent logs try: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"wr-agent logs try: cannot read {name or 'standard input'}: {error.strerror or error}", file=sys.stderr)
        return 1
    from collectors.logs.records import Batch

    pipeline = Pipeline(source.name, source.stages, source.labels, host=loaded.machine_name)
    try:
        pipeline.prepare()
    except ValueError as error:
        print(f"wr-agent logs try: {error}", file=sys.stderr)
        return 1
    labels = {"filename": name} if name else {}
    steps, processed = pipeline.explain(Batch(source.name, lines, time.time_ns(), labels, final=True, untidy=True))
    missed = sum((step.missed for step in steps), Counter[str]())
    result = Result(len(lines), is_cut, processed.streams, processed.dropped, missed)
    if arguments.json:
        print(json.dumps(_document(result, steps if arguments.steps else ()), indent=2, ensure_ascii=False))
        return 0
    terminal = Terminal.of(sys.stdout)
    if arguments.steps:
        print("\n".join(_shown_steps(steps, terminal)))
    if processed.streams:
        print("\n".join(_shown_streams(processed.streams, terminal)))
    print("\n".join(_summary(result, name or "standard input")))
    return 0


def _chosen(sources: Sequence[SourceConfig], name: str | None) -> SourceConfig:
    names = [source.name for source in sources]
    if name is None and len(sources) == 1:
        return sources[0]
    for source in sources:
        if source.name == name:
            return source
    known = f"there are {', '.join(names)}" if names else "the configuration has none; wr-agent config init writes some"
    raise LookupError(f"expected --source with the name of a log source; {known}")


def _lines(path: str | None) -> tuple[list[bytes], bool]:
    """Return the first lines of a file or of standard input, and whether there are more."""
    data = _read(path) if path else sys.stdin.buffer.read(MAX_BYTES + 1)
    lines = data[:MAX_BYTES].removesuffix(b"\n").split(b"\n") if data else []
    return lines, len(data) > MAX_BYTES


def _read(path: str) -> bytes:
    """Return the first bytes of a file as the agent reads it: uncompressed, and UTF-16 as UTF-8."""
    from collectors.logs.files.content import open_content

    if not Path(path).is_file():
        with Path(path).open("rb") as pipe:
            return pipe.read(MAX_BYTES + 1)
    with closing(open_content(path)) as content:
        data = b""
        while len(data) <= MAX_BYTES and (more := content.read(len(data), MAX_BYTES + 1 - len(data))):
            data += more
        return data


def _summary(result: Result, name: str) -> Iterator[str]:
    """Yield the counts: of lines, of what is sent, and of lines that a stage could not process."""
    if not result.lines:
        yield f"no lines: {name} is empty"
        return
    sent = sum(len(stream.lines) for stream in result.streams)
    yield f"{_count(result.lines, 'line')}: {_count(sent, 'entry')} in {_count(len(result.streams), 'stream')}"
    for reason, count in result.dropped.items():
        yield f"  {count} dropped: {reason}"
    for problem, count in result.missed.items():
        yield f"  {count} {PROBLEMS.get(problem, problem)}"
    if result.is_cut:
        yield f"  only the first {MAX_BYTES} bytes were read"


def _count(number: int, word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"


def _document(result: Result, steps: Sequence[Step]) -> dict[str, object]:
    document: dict[str, object] = {
        "lines": result.lines,
        "cut_off": result.is_cut,
        "streams": [{"labels": dict(stream.labels), "entries": [*_entries(stream)]} for stream in result.streams],
        "dropped": dict(result.dropped),
        "not_processed": dict(result.missed),
    }
    if steps:
        document["steps"] = [
            {
                "stage": step.stage,
                "entries": [_plain(entry) for entry in step.entries],
                "dropped": dict(step.dropped),
                "not_processed": dict(step.missed),
            }
            for step in steps
        ]
    return document


def _plain(entry: Shown) -> dict[str, object]:
    named = {"fields": entry.fields, "labels": entry.labels, "metadata": entry.metadata}
    return {"time": _time(entry.timestamp), "line": entry.line.decode(errors="replace"), **named}


def _entries(stream: Stream) -> Iterator[dict[str, object]]:
    metadata = stream.metadata or [None] * len(stream.lines)
    for timestamp, line, extra in zip(stream.timestamps, stream.lines, metadata, strict=True):
        text = line.decode(errors="replace") if isinstance(line, bytes) else line
        yield {"time": _time(timestamp), "line": text, "metadata": dict(extra or {})}


def _shown_steps(steps: Sequence[Step], terminal: Terminal) -> Iterator[str]:
    for step in steps:
        yield terminal.bold(step.stage or "as read")
        for entry in step.entries:
            yield f"  {_entry(entry, terminal)}"
        for what, counts in (("dropped", step.dropped), ("could not process", step.missed)):
            yield from (f"  {terminal.mark('warning')} {what}: {count} {reason}" for reason, count in counts.items())
    yield ""


def _entry(entry: Shown, terminal: Terminal) -> str:
    extras = {"fields": entry.fields, "labels": entry.labels, "metadata": entry.metadata}
    shown = " ".join(f"{terminal.faint(name)} {values}" for name, values in extras.items() if values)
    return f"{_time(entry.timestamp)} {harmless(entry.line.decode(errors='replace'))} {shown}"


def _shown_streams(streams: Sequence[Stream], terminal: Terminal) -> Iterator[str]:
    for stream in streams:
        yield terminal.bold("{" + ", ".join(f'{name}="{harmless(value)}"' for name, value in stream.labels) + "}")
        metadata = stream.metadata or [None] * len(stream.lines)
        for timestamp, line, extra in zip(stream.timestamps, stream.lines, metadata, strict=True):
            text = line.decode(errors="replace") if isinstance(line, bytes) else line
            yield f"  {_time(timestamp)} {harmless(text)}{f'  {terminal.faint(str(extra))}' if extra else ''}"


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"
