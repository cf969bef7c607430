"""The log collector: sources, pipelines and the Loki client, joined.

Owns the assembly of these parts. Each part owns its own behaviour.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from collectors.base import Collector
from collectors.findings import Check, Finding, Severity
from collectors.logs.config import LogsConfig, SourceConfig
from collectors.logs.delivery import Delivery
from collectors.logs.families import Progress, of_command, of_files, progress_families
from collectors.logs.files.checks import file_checks
from collectors.logs.files.descriptors import Descriptors, raise_limit
from collectors.logs.files.generation import ReadLimits
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSettings, FileSource
from collectors.logs.guard import Guard
from collectors.logs.journal import JournalSettings, JournalSource
from collectors.logs.loki.client import LokiClient
from collectors.logs.loki.config import LokiConfig
from collectors.logs.unified_log import UnifiedLogSettings, UnifiedLogSource
from collectors.metrics import Family, LabelValues, counter

POSITIONS_FILE = "log-positions.json"


def file_settings(source: SourceConfig) -> FileSettings:
    """Return the read settings of a source of files."""
    return FileSettings(tuple(source.paths), source.from_end, ReadLimits(flush_after=source.flush_after))


def journal_settings(source: SourceConfig) -> JournalSettings:
    """Return how a source reads the journal."""
    return JournalSettings(tuple(source.units), tuple(source.matches), flush_after=source.flush_after)


class LogsCollector(Collector):
    """The collector that tails logs and ships them to Loki.

    Args:
        config: The section `[logs]`.
        loki: The section `[loki]`.
        state_dir: The agent's state directory.
        machine: The name of this machine, the label `host` of its streams.
    """

    name: ClassVar[str] = "logs"

    def __init__(self, config: LogsConfig, loki: LokiConfig, state_dir: Path, machine: str) -> None:
        self._client = LokiClient(loki)
        self._positions = Positions(state_dir / POSITIONS_FILE, before_saving=self._save_pipelines)
        turn = asyncio.Lock()
        self._deliveries = {
            source.name: Delivery(source, self._client, state_dir, turn, machine) for source in config.sources
        }
        now_ns = self._client.clock.now_ns
        descriptors = Descriptors()
        self._files = [
            FileSource(source.name, file_settings(source), self._positions, now_ns, descriptors)
            for source in config.sources
            if source.paths
        ]
        self._commands: list[JournalSource | UnifiedLogSource] = [
            *(
                JournalSource(source.name, journal_settings(source), self._positions)
                for source in config.sources
                if source.journal
            ),
            *(
                UnifiedLogSource(source.name, UnifiedLogSettings(source.predicate, flush_after=source.flush_after))
                for source in config.sources
                if source.unified_log
            ),
        ]

        self._guards = [
            Guard(source.name, source.run, self._deliveries[source.name].handle)
            for source in (*self._files, *self._commands)
        ]

    def prepare(self) -> None:
        """Read the files that the pipelines need.

        Raises:
            ValueError: Files are unusable.
        """
        problems = []
        for delivery in self._deliveries.values():
            try:
                delivery.pipeline.prepare()
            except ValueError as error:
                problems.append(f"{delivery.name}: {error}")
        if problems:
            raise ValueError("\n".join(problems))

    def restore(self) -> None:
        """Read the positions and the state of the pipelines."""
        self._positions.load()
        for delivery in self._deliveries.values():
            delivery.pipeline.restore()

    async def run(self) -> None:
        """Ship logs until cancelled."""
        raise_limit()
        async with self._client, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.probe_when_idle())
            for guard in self._guards:
                tasks.create_task(guard.run())

    def collect(self) -> Iterable[Family]:
        """Return the counts of read, sent and dropped lines, the lag of sources, and metrics made from lines."""
        deliveries = list(self._deliveries.values())
        sent: dict[LabelValues, float] = {(delivery.name,): delivery.sent for delivery in deliveries}
        dropped: dict[LabelValues, float] = {
            (delivery.name, reason): count for delivery in deliveries for reason, count in delivery.dropped.items()
        }
        return [
            *progress_families(self._progress()),
            counter("wr_agent_log_sent_lines_total", "Log entries that Loki acknowledged.", sent, ("source",)),
            counter(
                "wr_agent_log_dropped_lines_total",
                "Log entries that a stage dropped, or that Loki refused permanently.",
                dropped,
                ("source", "reason"),
            ),
            *(family for delivery in deliveries for family in delivery.pipeline.families()),
            *self._client.families(),
        ]

    def view(self) -> tuple[Progress, ...]:
        """Return the progress of all sources."""
        return tuple(self._progress())

    def checks(self) -> Sequence[Check]:
        """Return the checks of the sources and of Loki."""
        commands = Check("logs.commands", "The journal can be read", self._commands_fail)
        own = (commands,) if self._commands else ()
        own = (*own, Check("logs.sources", "Each log source runs", self._sources_fail))
        return (*file_checks(self._files, self._positions), *own, *self._client.checks())

    def _progress(self) -> list[Progress]:
        return [
            *(of_files(source) for source in self._files),
            *(of_command(source.name, source.command) for source in self._commands),
        ]

    def _commands_fail(self) -> list[Finding]:
        return [
            Finding(
                code="log-command-failing",
                title=f"The log source {source.name} cannot be read",
                severity=Severity.FAILURE,
                detail=f"Expected a command that keeps running, found: {source.command.problem}.",
                affects="No line of this source is sent. The agent restarts the command and resumes where it stopped.",
                remedy=(f"{shlex.join(source.command.arguments())}  # run it as the agent's user",),
            )
            for source in self._commands
            if source.command.problem
        ]

    def _sources_fail(self) -> list[Finding]:
        return [
            Finding(
                code="log-source-failed",
                title=f"The log source {guard.name} stopped with an error",
                severity=Severity.FAILURE,
                detail=f"Expected the source to run, got: {guard.problem}.",
                affects="The source sends nothing until a restart succeeds. Other sources continue.",
                remedy=(
                    "wr-agent doctor --bundle wr-agent.tar.gz  # the error in the agent's log belongs in a report",
                ),
            )
            for guard in self._guards
            if guard.problem
        ]

    def _save_pipelines(self) -> None:
        for delivery in self._deliveries.values():
            delivery.pipeline.save()
