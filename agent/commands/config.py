"""`wr-agent config init`: a configuration with the log sources of this machine."""

from __future__ import annotations

import argparse
import glob
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent.commands import journal_proof
from agent.config import loader
from agent.config.log_sources import SOURCES, LogSource, Proposal, quoted
from agent.shared_files import shared

HELP = "write a configuration for this machine"

_FILES = 20
_LINES = 100
_BYTES = 1 << 18


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand and its options."""
    subcommands = parser.add_subparsers(required=True, metavar="SUBCOMMAND")
    init = subcommands.add_parser("init", help=HELP, description=HELP)
    init.add_argument(
        "--source", action="append", choices=SOURCES, metavar="NAME", help=f"one of {', '.join(SOURCES)}; repeatable"
    )
    init.add_argument(
        "--path",
        action="append",
        default=[],
        type=_path,
        metavar="NAME=PATTERN",
        help="absolute pattern of a source's files, in place of the usual ones; repeatable",
    )
    init.add_argument("--loki", default="http://127.0.0.1:3100", metavar="URL", help="Loki's base URL (%(default)s)")
    init.add_argument("--output", metavar="FILE", help="write to a new file in place of standard output")
    init.set_defaults(parser=init)


def run(arguments: argparse.Namespace) -> int:
    """Write the configuration; return 0, or 1 if it cannot be written."""
    patterns = _by_name(arguments.path)
    chosen = arguments.source or [*SOURCES]
    proposals = {name: propose(name, patterns.get(name, ())) for name in dict.fromkeys([*chosen, *patterns])}
    text = _configuration(arguments.loki, proposals)
    loader.parse(text, "the new configuration")
    if arguments.output:
        try:
            with Path(arguments.output).open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            hint = "name a new file in a folder that exists and that you may write to"
            print(f"cannot write {arguments.output}: {error.strerror}; {hint}", file=sys.stderr)
            return 1
        print(f"{arguments.output}: written; `wr-agent check-config {arguments.output}` checks it")
    else:
        print(text, end="")
    for name, proposal in proposals.items():
        for note in proposal.notes:
            print(f"{name}: {note}", file=sys.stderr)
    return 0


def propose(name: str, patterns: Sequence[str] = ()) -> Proposal:
    """Return the sources of one program, by the first lines of its files on this machine.

    Args:
        name: A key of `SOURCES`.
        patterns: Patterns of its files, in place of the usual ones.
    """
    if name == "journal" and not patterns:
        (journal,) = SOURCES[name]
        return journal_proof.propose(journal)
    formats = SOURCES[name]
    groups = [tuple(patterns)] if patterns else list(dict.fromkeys(each.paths for each in formats))
    made = [_from_files(formats, paths, given=bool(patterns)) for paths in groups]
    sources = tuple(_with_own_names(itertools.chain.from_iterable(each.sources for each in made)))
    return Proposal(sources, tuple(note for each in made for note in each.notes))


def _from_files(formats: Sequence[LogSource], paths: Sequence[str], *, given: bool) -> Proposal:
    """Return one source for each format that files of these patterns have."""
    from collectors.logs.files.names import shown

    files = list(itertools.islice(_files(paths), _FILES))
    if not files:
        return Proposal((), (f"left out: no readable file with lines matches {', '.join(paths)}",))
    candidates = [each for each in formats if given or each.paths == tuple(paths)]
    found: dict[LogSource | None, list[str]] = {}
    for file in files:
        found.setdefault(_format(candidates, _first_lines(file)), []).append(file)
    sources, notes = [], []
    for source, its_files in found.items():
        narrowed = tuple(paths) if len(found) == 1 else tuple(glob.escape(shown(file)) for file in its_files)
        if source is None:
            sources.append(replace(formats[0], paths=narrowed, stages=()))
            notes.append(f"added without stages: no known format in {', '.join(map(shown, its_files))}")
        else:
            sources.append(replace(source, paths=narrowed))
            notes.append(f"added: {', '.join(map(shown, its_files))}: {source.about}")
    return Proposal(tuple(sources), tuple(notes))


def _files(paths: Iterable[str]) -> Iterator[str]:
    """Return the regular files that match, with content, the last written first."""
    from collectors.logs.files.discovery import find_files

    files = {path: status.modified_ns for path, status in find_files(paths).files.items() if status.size}
    return (path for path in sorted(files, key=lambda path: (-files[path], path)) if os.access(path, os.R_OK))


def _first_lines(path: str) -> list[str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_BYTES).decode("utf-8", "replace").lstrip("\ufeff").splitlines()[:_LINES]
    except OSError:
        return []


def _format(candidates: Sequence[LogSource], lines: Sequence[str]) -> LogSource | None:
    """Return the format that most lines have; `None` if no line has one.

    The other lines may continue an entry, such as a statement in PostgreSQL's log.
    """
    counts = {number: sum(map(candidate.fits, lines)) for number, candidate in enumerate(candidates)}
    best = max(counts, key=lambda number: counts[number], default=0)
    return candidates[best] if counts.get(best) else None


def _with_own_names(sources: Iterable[LogSource]) -> Iterator[LogSource]:
    """Number the sources of one name."""
    used: dict[str, int] = {}
    for source in sources:
        used[source.name] = used.get(source.name, 0) + 1
        number = used[source.name]
        yield source if number == 1 else replace(source, name=f"{source.name}-{number}")


def _configuration(loki: str, proposals: Mapping[str, Proposal]) -> str:
    head = [
        f"# Written by `wr-agent config init`. Every key with its default: {shared('config.example.toml')}",
        *(f"# {name}: {note}" for name, proposal in proposals.items() for note in proposal.notes),
        "",
    ]
    sources = [source for proposal in proposals.values() for source in proposal.sources]
    if sources:
        head += ["[loki]", f"url = {quoted(loki)}", ""]
    return "\n".join(head) + "".join(f"\n{source.toml()}" for source in sources)


def _path(text: str) -> tuple[str, str]:
    name, _, pattern = text.partition("=")
    if name not in SOURCES or not pattern.startswith("/"):
        raise argparse.ArgumentTypeError(f"expected NAME=/absolute/pattern with one of {', '.join(SOURCES)}")
    return name, pattern


def _by_name(paths: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, pattern in paths:
        found[name] = (*found.get(name, ()), pattern)
    return found
