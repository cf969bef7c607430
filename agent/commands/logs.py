"""The command `wr-agent logs try`: a dry run of a pipeline that sends and keeps nothing."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from agent.config import loader, locations
from agent.terminal.style import Terminal, harmless

if TYPE_CHECKING:
    from collectors.logs.config import SourceConfig
    from collectors.logs.pipeline import Shown, Step
    from collectors.logs.records import Stream

HELP = "run a source's pipeline on a file or standard input, and show what it would send"

MAX_BYTES = 1 << 20
"""The most bytes to read. The output says that the rest is left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the action `try` and its arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    trying = actions.add_parser("try", help=HELP, description=HELP)
    trying.add_argument("--config", metavar="FILE", help="the configuration with the source")
    trying.add_argument("--source", metavar="NAME", help="the source; optional if there is only one")
    trying.add_argument("--steps", action="store_true", help="show every line after each stage")
    trying.add_argument("file", nargs="?", help="the log file; standard input without it")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if the pipeline ran, 1 otherwise."""
    from collectors.logs.pipeline import Pipeline

    loaded = loader.load(locations.find(arguments.config))
    try:
        source = _chosen(loaded.logs.sources, arguments.source)
        lines, rest = _lines(arguments.file)
    except (LookupError, OSError) as error:
        print(f"wr-agent logs try: {error}", file=sys.stderr)
        return 1
    from collectors.logs.records import Batch

    pipeline = Pipeline(source.name, source.stages, source.labels, host=loaded.machine_name)
    try:
        pipeline.prepare()
    except ValueError as error:
        print(f"wr-agent logs try: {error}", file=sys.stderr)
        return 1
    labels = {"filename": arguments.file} if arguments.file else {}
    steps, processed = pipeline.explain(Batch(source.name, lines, time.time_ns(), labels, final=True, untidy=True))
    terminal = Terminal.of(sys.stdout)
    if arguments.steps:
        print("\n".join(_shown_steps(steps, terminal)))
    print("\n".join(_shown_streams(processed.streams, terminal)))
    dropped = ", ".join(f"{count} {reason}" for reason, count in processed.dropped.items())
    print(f"{len(lines)} lines, {len(processed.streams)} streams{f', dropped: {dropped}' if dropped else ''}{rest}")
    return 0


def _chosen(sources: Sequence[SourceConfig], name: str | None) -> SourceConfig:
    names = [source.name for source in sources]
    if name is None and len(sources) == 1:
        return sources[0]
    for source in sources:
        if source.name == name:
            return source
    known = f"there are {', '.join(names)}" if names else "the configuration has none in [[logs.sources]]"
    raise LookupError(f"expected --source with the name of a log source; {known}")


def _lines(path: str | None) -> tuple[list[bytes], str]:
    with Path(path).open("rb") if path else nullcontext(sys.stdin.buffer) as file:
        return _split(file)


def _split(file: BinaryIO) -> tuple[list[bytes], str]:
    data = file.read(MAX_BYTES + 1)
    rest = f" (the first {MAX_BYTES} bytes only)" if len(data) > MAX_BYTES else ""
    return data[:MAX_BYTES].removesuffix(b"\n").split(b"\n"), rest


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
