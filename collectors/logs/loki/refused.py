"""The refused entries of a request: a 400 counts them, and the entries themselves show which they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from collectors.logs.loki.answers import longest_line, oldest_acceptable
from collectors.logs.records import Stream


def refused_entries(stream: Stream, entries: range, refused: Counter[str], text: str) -> Sequence[int] | None:
    """Return the numbers of the refused entries, or `None` if they cannot be told apart for sure.

    Args:
        stream: The stream.
        entries: The numbers of the entries of the request.
        refused: The number of refused entries by reason.
        text: The text of the answer.
    """
    if len(refused) != 1:
        return None
    ((reason, count),) = refused.items()
    if count == len(entries):
        return entries
    candidates = _candidates(stream, entries, reason, count, text)
    return candidates if len(candidates) == count else None


def _candidates(stream: Stream, entries: range, reason: str, count: int, text: str) -> list[int]:
    if reason == "too_new":
        ordered = sorted(entries, key=stream.timestamps.__getitem__, reverse=True)
        limit = stream.timestamps[ordered[min(count, len(ordered)) - 1]]
        return [number for number in entries if stream.timestamps[number] >= limit]
    if reason == "too_old":
        ordered = sorted(entries, key=stream.timestamps.__getitem__)
        limit = stream.timestamps[ordered[min(count, len(ordered)) - 1]]
        return [number for number in entries if stream.timestamps[number] <= limit]
    if reason == "too_far_behind":
        oldest = oldest_acceptable(text)
        return [number for number in entries if stream.timestamps[number] < oldest]
    if reason == "line_too_long":
        longest = longest_line(text)
        return [number for number in entries if longest and len(as_bytes(stream.lines[number])) > longest]
    if reason == "structured_metadata" and stream.metadata is not None:
        return [number for number in entries if stream.metadata[number]]
    return []


def as_bytes(line: str | bytes) -> bytes:
    """Return the text of an entry as UTF-8."""
    return line if isinstance(line, bytes) else line.encode("utf-8", "replace")


def without_metadata(line: str | bytes, metadata: dict[str, str]) -> bytes:
    """Return a line with its structured metadata in the text, as far as the line does not say it already.

    A JSON object gets members, any other line `name="value"` at its end.
    """
    text = as_bytes(line)
    missing = {name: value for name, value in metadata.items() if value.encode("utf-8", "replace") not in text}
    if not missing:
        return text
    members = [f"{_quoted(name)}:{_quoted(value)}".encode() for name, value in missing.items()]
    inner = text[1:].lstrip()
    if text.startswith(b"{") and text.endswith(b"}") and inner != b"}":
        return text[:-1] + b"," + b",".join(members) + b"}"
    return b" ".join([text, *(f"{name}={_quoted(value)}".encode() for name, value in missing.items())])


def _quoted(text: str) -> str:
    return msgspec.json.encode(text.encode("utf-8", "replace").decode()).decode()
