"""The storage, refusals and answers of Loki 3.7: its limits, its texts, and how it drops repeated entries.

No HTTP here. One answer a request, as the real one: partial 400s, and of several streams only the last one's error.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.support.loki_body import Entry, Pushed

SECOND = 10**9
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Labels = tuple[tuple[str, str], ...]
Answer = tuple[int, str]


@dataclass(slots=True)
class Limits:
    """Loki's defaults; sizes in bytes, times in seconds."""

    max_line: int = 262_144
    max_age: float = 7 * 86400.0
    grace: float = 600.0
    behind: float = 3600.0
    labels: int = 15
    label_name: int = 1024
    label_value: int = 2048
    metadata: int = 128
    metadata_size: int = 65_536
    allow_metadata: bool = True
    numbers: bool = True  # earlier versions of Loki say the last error alone
    rate: float = 4 * 2**20
    burst: float = 6 * 2**20
    stream_rate: float = 3 * 2**20
    stream_burst: float = 15 * 2**20
    streams: int = 5000
    message: int = 4 * 2**20
    head_block: int = 262_144
    returned_errors: int = 10


class Bucket:
    """A token bucket, which refuses immediately."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, burst
        self.held, self.at = burst, now

    def take(self, amount: int, now: float) -> bool:
        self.held = min(self.burst, self.held + (now - self.at) * self.rate)
        self.at = now
        if amount > self.held:
            return False
        self.held -= amount
        return True


@dataclass(slots=True)
class Stored:
    """One stream of the ingester."""

    bucket: Bucket
    newest: int = 0
    entries: list[Entry] = field(default_factory=list)
    head: set[tuple[int, str]] = field(default_factory=set)
    head_bytes: int = 0
    last: tuple[int, str] | None = None


class Store:
    """All stored entries, and the refused ones."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.streams: dict[Labels, Stored] = {}
        self.repeats = 0
        self.refused: Counter[str] = Counter()
        self.bucket: Bucket | None = None

    def push(self, request: list[Pushed], now_ns: int) -> Answer:
        """Store the valid entries, and return the HTTP status and text."""
        if not request:
            return 422, "error at least one valid stream is required for ingestion"
        errors: list[str] = []
        valid = [stream for stream in (self._validated(it, now_ns, errors) for it in request) if stream.entries]
        now = now_ns / SECOND
        size = sum(_size(entry) for stream in valid for entry in stream.entries)
        if valid and not self._rate().take(size, now):
            lines = sum(len(stream.entries) for stream in valid)
            return 429, (
                f"Ingestion rate limit exceeded for user fake (limit: {self.limits.rate:.0f} bytes/sec) while"
                f" attempting to ingest '{lines}' lines totaling '{size}' bytes, reduce log volume or contact your Loki"
                " administrator to see if the limit can be increased"
            )
        message = sum(_message_size(stream) for stream in valid)
        if message > self.limits.message:
            text = f"grpc: received message larger than max ({message} vs. {self.limits.message})"
            return 500, f"rpc error: code = ResourceExhausted desc = {text}"
        answer: Answer = (204, "")
        for stream in valid:
            answer = self._ingest(stream, now)
            if answer[0] == 429 and "stream limit" in answer[1]:
                return answer
        if answer[0] != 204 or not errors:
            return answer
        counted = "; ".join(f"{times} errors like: {error}" for error, times in Counter(errors).items())
        return 400, counted if self.limits.numbers else errors[-1]

    def _rate(self) -> Bucket:
        if self.bucket is None or (self.bucket.rate, self.bucket.burst) != (self.limits.rate, self.limits.burst):
            self.bucket = Bucket(self.limits.rate, self.limits.burst, 0.0)
        return self.bucket

    # The distributor

    def _validated(self, stream: Pushed, now_ns: int, errors: list[str]) -> Pushed:
        name = label_text(stream.labels)
        error = self._label_error(stream.labels, name)
        if error:
            errors.append(error)
            self.refused["labels"] += len(stream.entries)
            return Pushed(stream.labels, [])
        good = []
        for entry in stream.entries:
            reason, error = self._entry_error(entry, name, now_ns)
            if error:
                errors.append(error)
                self.refused[reason] += 1
            else:
                good.append(entry)
        return Pushed(stream.labels, good)

    def _label_error(self, labels: Labels, name: str) -> str:
        if not labels:
            return "error at least one label pair is required per stream"
        if len(labels) > self.limits.labels:
            return f"entry for stream '{name}' has {len(labels)} label names; limit {self.limits.labels}"
        for key, value in labels:
            if not _NAME.fullmatch(key):
                return f"Error parsing labels '{name}' with error: 1:2: parse error: unexpected character"
            if len(key) > self.limits.label_name:
                return f"stream '{name}' has label name too long: '{key}'"
            if len(value.encode()) > self.limits.label_value:
                return f"stream '{name}' has label value too long: '{value}'"
        return ""

    def _entry_error(self, entry: Entry, name: str, now_ns: int) -> tuple[str, str]:
        limits = self.limits
        size = len(entry.line.encode())
        oldest = now_ns - int(limits.max_age * SECOND)
        if entry.ns < oldest:
            text = f"entry for stream '{name}' has timestamp too old: {_rfc3339(entry.ns)}"
            return "too_old", f"{text}, oldest acceptable timestamp is: {_rfc3339(oldest)}"
        if entry.ns > now_ns + int(limits.grace * SECOND):
            return "too_new", f"entry for stream '{name}' has timestamp too new: {_rfc3339(entry.ns)}"
        if size > limits.max_line:
            text = f"Max entry size '{limits.max_line}' bytes exceeded for stream '{name}'"
            return "line_too_long", f"{text} while adding an entry with length '{size}' bytes"
        return self._metadata_error(entry.metadata, name)

    def _metadata_error(self, metadata: dict[str, str], name: str) -> tuple[str, str]:
        limits = self.limits
        size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
        if metadata and not limits.allow_metadata:
            return "structured_metadata", (
                f"stream '{name}' includes structured metadata, but this feature is disallowed. Please see"
                " `limits_config.allow_structured_metadata` or contact your Loki administrator to enable it"
            )
        see = "or contact your Loki administrator to increase it."
        if size > limits.metadata_size:
            text = f"stream '{name}' has structured metadata too large: '{size}' bytes, limit: '{limits.metadata_size}'"
            return "structured_metadata", (
                f"{text} bytes. Please see `limits_config.max_structured_metadata_size` {see}"
            )
        if len(metadata) > limits.metadata:
            text = f"stream '{name}' has too many structured metadata labels: '{len(metadata)}'"
            return "structured_metadata", (
                f"{text}, limit: '{limits.metadata}'. Please see"
                f" `limits_config.max_structured_metadata_entries_count` {see}"
            )
        return "", ""

    # The ingester

    def _ingest(self, stream: Pushed, now: float) -> Answer:
        limits = self.limits
        name = label_text(stream.labels)
        stored = self.streams.get(stream.labels)
        if stored is None:
            if len(self.streams) >= limits.streams:
                return 429, (
                    f"Maximum active stream limit exceeded when trying to create stream {name}, reduce the number of"
                    " active streams (reduce labels or reduce label values), or contact your Loki administrator to see"
                    " if the limit can be increased, user: 'fake'"
                )
            stored = Stored(Bucket(limits.stream_rate, limits.stream_burst, now))
            self.streams[stream.labels] = stored
        if not stored.bucket.take(sum(_size(entry) for entry in stream.entries), now):
            text = f"Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for stream '{name}'"
            text += (
                " totaling 1MB, consider splitting a stream via additional labels or contact your Loki administrator"
            )
            text += " to see if the limit can be increased"
            return 429, self._ignored([(entry, text) for entry in stream.entries], len(stream.entries), name)
        behind = [(entry, text) for entry in stream.entries if (text := self._append(stored, entry))]
        self.refused["too_far_behind"] += len(behind)
        return (400, self._ignored(behind, len(stream.entries), name)) if behind else (204, "")

    def _ignored(self, entries: list[tuple[Entry, str]], total: int, name: str) -> str:
        shown = entries[: self.limits.returned_errors]
        lines = [f"entry with timestamp {_go_time(it.ns)} ignored, reason: '{text}'," for it, text in shown]
        return "\n".join([*lines, f"user 'fake', total ignored: {len(entries)} out of {total} for stream: {name}"])

    def _append(self, stored: Stored, entry: Entry) -> str:
        """Store one entry, and return the reason of a refusal or an empty text."""
        key = (entry.ns, entry.line)
        if key == stored.last:
            self.repeats += 1
            return ""
        cutoff = stored.newest - int(self.limits.behind * SECOND)
        if stored.newest and entry.ns < cutoff:
            when, oldest = _rfc3339(entry.ns), _rfc3339(cutoff)
            return f"entry too far behind, entry timestamp is: {when}, oldest acceptable timestamp is: {oldest}"
        stored.last = key
        stored.newest = max(stored.newest, entry.ns)
        if key in stored.head:
            self.repeats += 1
            return ""
        if stored.head_bytes > self.limits.head_block:
            stored.head.clear()
            stored.head_bytes = 0
        stored.head.add(key)
        stored.head_bytes += _size(entry)
        stored.entries.append(entry)
        return ""

    # Reports for tests

    def report(self) -> dict[str, int]:
        """Return the counts of entries: `stored` distinct ones; `repeats` that were dropped as repeated;
        `exact_doubles` that are stored twice, as the head block had gone; `time_doubles`, lines that are stored in one
        stream under several times, which is right only for lines that the writer wrote twice."""
        exact: Counter[tuple[Labels, int, str]] = Counter()
        times: dict[tuple[Labels, str], set[int]] = defaultdict(set)
        for labels, stored in self.streams.items():
            for entry in stored.entries:
                exact[labels, entry.ns, entry.line] += 1
                times[labels, entry.line].add(entry.ns)
        return {
            "stored": len(exact),
            "repeats": self.repeats,
            "exact_doubles": exact.total() - len(exact),
            "time_doubles": sum(len(it) - 1 for it in times.values()),
        }

    def entries(self) -> Iterable[tuple[dict[str, str], int, str, dict[str, str]]]:
        """Return all stored labels, nanoseconds, lines and metadata, in the order of arrival within a stream."""
        for labels, stored in self.streams.items():
            for entry in stored.entries:
                yield dict(labels), entry.ns, entry.line, entry.metadata


def label_text(labels: Labels) -> str:
    """Return labels as Loki writes them."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def _size(entry: Entry) -> int:
    return len(entry.line.encode()) + sum(len(key) + len(value) for key, value in entry.metadata.items())


def _message_size(stream: Pushed) -> int:
    return len(label_text(stream.labels)) + sum(20 + _size(entry) + 6 * len(entry.metadata) for entry in stream.entries)


def _rfc3339(ns: int) -> str:
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _go_time(ns: int) -> str:
    second, nanos = divmod(ns, SECOND)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return datetime.fromtimestamp(second, UTC).strftime(f"%Y-%m-%d %H:%M:%S{fraction} +0000 UTC")
