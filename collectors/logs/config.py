"""The section `[logs]` of the configuration. The section `[loki]` belongs to `loki.config`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Annotated

import msgspec

from collectors.logs.pipeline import check_fields, check_stages
from collectors.logs.stages import STAGES
from collectors.logs.stages.config import StageConfig, check_stream_labels
from collectors.logs.stages.metrics import MetricsConfig
from collectors.refusals import check_all, refuse
from collectors.units import Duration
from collectors.variants import Variants

_MATCH = re.compile(r"[A-Z0-9_]+=.+|\+", re.DOTALL)


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of `[[logs.sources]]`: the origin of lines and their stages.

    Attributes:
        name: The source's name, which becomes the label `source`.
        paths: Patterns of files, absolute, with `*`, `?`, `[…]` and `**`.
        journal: True for the systemd journal instead of files.
        units: The units of the journal to read, or all if empty.
        matches: Matches of `journalctl` that select entries of the journal, such as `SYSLOG_IDENTIFIER=sudo`.
        unified_log: True for macOS's unified log instead of files.
        predicate: The predicate of `log stream` that selects entries of the unified log, or all if empty.
        labels: Labels of all entries.
        stages: The stages that each line passes, in order.
        from_end: True to skip what files hold at the very first start.
        flush_after: The quiet time after which an unfinished line or an open multi-line entry is sent as it is.
    """

    name: str
    paths: list[str] = []
    journal: bool = False
    units: list[str] = []
    matches: list[str] = []
    unified_log: bool = False
    predicate: str = ""
    labels: dict[str, str] = {}
    stages: list[Annotated[StageConfig, Variants(STAGES)]] = []
    from_end: bool = False
    flush_after: Duration = Duration(5.0)

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other.

        Raises:
            ValueError: The settings contradict each other.
        """
        check_all(
            self._check_origin,
            self._check_choices,
            partial(check_stream_labels, self.labels),
            partial(check_fields, self.stages),
            partial(check_stages, self.stages, self.labels),
        )

    def _check_origin(self) -> None:
        relative = [path for path in self.paths if not path.startswith("/")]
        refuse(
            {
                "expected exactly one of paths, journal = true and unified_log = true": (
                    bool(self.paths) + self.journal + self.unified_log != 1
                ),
                f"expected absolute paths, got {', '.join(relative)}": relative,
            }
        )

    def _check_choices(self) -> None:
        if (self.units or self.matches) and not self.journal:
            raise ValueError("expected units and matches together with journal = true")
        if self.predicate and not self.unified_log:
            raise ValueError("expected predicate together with unified_log = true")
        wrong = [match for match in self.matches if not _MATCH.fullmatch(match)]
        if wrong:
            raise ValueError(f"expected matches such as SYSLOG_IDENTIFIER=sudo, got {', '.join(wrong)}")


class LogsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[logs]`.

    Attributes:
        enabled: True to read the sources.
        sources: The sources.
    """

    enabled: bool = True
    sources: list[SourceConfig] = []

    def __post_init__(self) -> None:
        """Refuse two sources with the same name.

        Raises:
            ValueError: Two sources share a name.
        """
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expected a unique name for each source, got {', '.join(twice)} twice")
        self._check_metrics()

    def _check_metrics(self) -> None:
        """Refuse one metric with two types or two help texts."""
        seen: dict[str, tuple[str, str]] = {}
        for name, said in _metrics(self.sources):
            if seen.setdefault(name, said) != said:
                raise ValueError(f"expected one type and one help for the metric {name}, got {seen[name]} and {said}")


def _metrics(sources: Iterable[SourceConfig]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name, type and help of each metric made from lines."""
    for source in sources:
        for stage in source.stages:
            if isinstance(stage, MetricsConfig):
                for kind in ("counters", "gauges", "histograms", "distinct"):
                    for metric in getattr(stage, kind):
                        yield metric.name, (kind, metric.help)
