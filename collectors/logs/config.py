"""What a user can say about logs in the configuration. Owns the section `[logs]`; `[loki]` is `loki.config`'s."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from collectors.logs.pipeline import check_stages
from collectors.logs.stages.config import StageConfig, check_labels
from collectors.logs.stages.metrics import MetricsConfig
from collectors.units import Duration

_MATCH = re.compile(r"[A-Z0-9_]+=.+|\+", re.DOTALL)


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of `[[logs.sources]]`: where lines come from, and what is done with them.

    Attributes:
        name: The source's name, which becomes the label `source`.
        paths: Patterns of files, absolute, with `*`, `?`, `[…]` and `**`.
        journal: Whether the source is the systemd journal instead.
        units: The units of the journal that are read; all without any.
        matches: Matches of `journalctl` that choose entries of the journal, such as `SYSLOG_IDENTIFIER=sudo`.
        unified_log: Whether it is macOS's unified log instead.
        predicate: The predicate of `log stream` that chooses entries of the unified log; empty for all.
        labels: Labels that all entries get.
        stages: What each line passes through, in order.
        from_end: Whether, of files that are there at the very first start, only what is written from then on is read.
        flush_after: How long nothing must come after a line without its newline, or after an entry that may go on,
            for it to be sent as it is.
    """

    name: str
    paths: list[str] = []
    journal: bool = False
    units: list[str] = []
    matches: list[str] = []
    unified_log: bool = False
    predicate: str = ""
    labels: dict[str, str] = {}
    stages: list[StageConfig] = []
    from_end: bool = False
    flush_after: Duration = Duration(5.0)

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            ValueError: With what was expected instead.
        """
        if bool(self.paths) + self.journal + self.unified_log != 1:
            raise ValueError("expected one of paths, journal = true and unified_log = true: a source is one of these")
        relative = [path for path in self.paths if not path.startswith("/")]
        if relative:
            raise ValueError(f"expected absolute paths, got {', '.join(relative)}")
        self._check_choices()
        check_labels(self.labels)
        check_stages(self.stages, self.labels)

    def _check_choices(self) -> None:
        if (self.units or self.matches) and not self.journal:
            raise ValueError("expected units and matches together with journal = true")
        if self.predicate and not self.unified_log:
            raise ValueError("expected predicate together with unified_log = true")
        wrong = [match for match in self.matches if not _MATCH.fullmatch(match)]
        if wrong:
            raise ValueError(f"expected matches such as SYSLOG_IDENTIFIER=sudo, got {', '.join(wrong)}")


class LogsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[logs]`."""

    sources: list[SourceConfig] = []

    def __post_init__(self) -> None:
        """Refuse two sources of one name.

        Raises:
            ValueError: There are two.
        """
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"expected each source to have a name of its own, got {', '.join(twice)} twice")
        self._check_metrics()

    def _check_metrics(self) -> None:
        """Refuse one metric with two types or helps, which would cost the metrics of all sources."""
        seen: dict[str, tuple[str, str]] = {}
        for name, said in _metrics(self.sources):
            if seen.setdefault(name, said) != said:
                raise ValueError(f"expected one type and one help for the metric {name}, got {seen[name]} and {said}")


def _metrics(sources: Iterable[SourceConfig]) -> Iterator[tuple[str, tuple[str, str]]]:
    """The name of each metric made of lines, with its type and help."""
    for source in sources:
        for stage in source.stages:
            if isinstance(stage, MetricsConfig):
                for kind in ("counters", "gauges", "histograms", "distinct"):
                    for metric in getattr(stage, kind):
                        yield metric.name, (kind, metric.help)
