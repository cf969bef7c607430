"""Streams of entries, one for each set of labels, within Loki's limits.

Loki's default limits: 15 labels a stream, 2,048 bytes a label's value, 64 KiB of structured metadata an entry.
"""

from __future__ import annotations

from collections.abc import Iterable

from collectors.logs.records import Labels, Stream
from collectors.logs.stages.entries import Entries, TextColumn, rows

MAX_VALUE_BYTES = 2048


def streams(entries: Entries) -> list[Stream]:
    """Group the entries by their labels. Each stream keeps the order of lines."""
    count = len(entries.lines)
    if not count:
        return []
    metadata = _metadata(entries.metadata, count)
    keys: Iterable[tuple[str | None, ...]] = zip(*entries.labels.values(), strict=True) if entries.labels else ()
    keys = list(keys) or [()] * count
    labels = {key: _labels(entries, key) for key in dict.fromkeys(keys)}
    if len(labels) == 1:
        return [Stream(labels[keys[0]], entries.timestamps, list(entries.lines), metadata)]
    by_labels = {named: Stream(named, [], [], None if metadata is None else []) for named in labels.values()}
    by_key = {key: by_labels[named] for key, named in labels.items()}
    for key, timestamp, line in zip(keys, entries.timestamps, entries.lines, strict=True):
        stream = by_key[key]
        stream.timestamps.append(timestamp)
        stream.lines.append(line)
    for key, attached in zip(keys, metadata or (), strict=False):
        attached_to = by_key[key].metadata
        if attached_to is not None:
            attached_to.append(attached)
    return list(by_labels.values())


def _labels(entries: Entries, values: tuple[str | None, ...]) -> Labels:
    named = entries.constant_labels | {
        name: value for name, value in zip(entries.labels, values, strict=True) if value is not None
    }
    return tuple(sorted((name, _bounded(value)) for name, value in named.items() if value))


def _metadata(columns: dict[str, TextColumn], count: int) -> list[dict[str, str] | None] | None:
    bounded = {name: [value and _bounded(value) for value in column] for name, column in columns.items()}
    attached = [found or None for found in rows(bounded, count)] if columns else []
    return attached if any(attached) else None


def _bounded(value: str) -> str:
    encoded = value.encode("utf-8", "replace")
    if len(encoded) <= MAX_VALUE_BYTES:
        return value if len(value) == len(encoded) else encoded.decode()
    return encoded[: MAX_VALUE_BYTES - len("…".encode())].decode("utf-8", "ignore") + "…"
