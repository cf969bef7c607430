"""The section `[remote_write]` of the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import msgspec

from collectors.http_push.config import ReceiverConfig, ReceiverUrl
from collectors.refusals import check_all, refuse
from collectors.units import Duration, Size

OWN_LABELS = ("job", "instance")
"""The labels that the agent sets itself; `machine` is the value of `instance`."""

_SHORTEST_INTERVAL = 0.1
_LONGEST_INTERVAL = 240.0  # Prometheus shows no value that is older than five minutes
_SMALLEST_QUEUE = 1 << 20
_SLOWEST = 16 << 10
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


class RemoteWriteUrl(ReceiverUrl):
    """The URL of a remote-write receiver, such as `https://metrics.example/api/v1/write`, or empty for none."""

    __slots__ = ()
    example: ClassVar[str] = "http://127.0.0.1:9090/api/v1/write"


class NamePattern(str):
    """A regular expression for whole family names."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> NamePattern:
        """Read a pattern such as `"node_.*"`.

        Raises:
            ValueError: The text is not a regular expression.
        """
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"expected a regular expression such as 'node_.*', got {text!r}: {error}") from None
        return cls(text)


class RemoteWriteConfig(ReceiverConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[remote_write]`.

    Attributes:
        url: The URL of the receiver. Empty pushes nothing.
        interval: The time between two snapshots. Audio and plugins have one every 10 s at least.
        keep: The families that are sent; without a pattern, all of them.
        drop: The families that are not sent, even if `keep` names them.
        labels: Further labels of every series.
        max_size: The size of the queue on disk; the oldest snapshots go first.
        max_age: The age of the oldest snapshot in the queue.
        rate: The most bytes per second of snapshots that were taken during an outage.
    """

    section: ClassVar[str] = "remote_write"
    url: RemoteWriteUrl = RemoteWriteUrl()
    interval: Duration = Duration(15.0)
    keep: tuple[NamePattern, ...] = ()
    drop: tuple[NamePattern, ...] = ()
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    max_size: Size = Size(128 << 20)
    max_age: Duration = Duration(7 * 86400.0)
    rate: Size = Size(512 << 10)

    def __post_init__(self) -> None:
        """Refuse settings with which nothing could be sent.

        Raises:
            ValueError: With one line for each problem.
        """
        check_all(super().__post_init__, lambda: refuse(dict(self._problems())))

    def _problems(self) -> Iterator[tuple[str, bool]]:
        shortest, longest = _SHORTEST_INTERVAL, _LONGEST_INTERVAL
        yield (
            f"expected an interval between {shortest:g}s and {longest:g}s, got {self.interval:g}s",
            not shortest <= self.interval <= longest,
        )
        yield f"expected a max_size of at least 1MiB, got {self.max_size}B", self.max_size < _SMALLEST_QUEUE
        yield f"expected a max_age of at least the interval, got {self.max_age:g}s", self.max_age < self.interval
        yield f"expected a rate of at least 16KiB, got {self.rate}B", self.rate < _SLOWEST
        for name in self.labels:
            yield f"expected label names such as 'role' in labels, got {name!r}", not _LABEL_NAME.fullmatch(name)
            yield f"expected no {name!r} in labels; the agent sets it itself", name in OWN_LABELS
