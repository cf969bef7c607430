import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from collectors.findings import Finding, Severity
from collectors.logs.collector import LogsCollector, file_settings
from collectors.logs.config import LogsConfig, SourceConfig
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.units import Duration
from tests.support.loki import loki
from tests.support.waiting import soon


def findings(collector: LogsCollector) -> dict[str, Finding]:
    return {finding.code: finding for check in collector.checks() for finding in check.run()}


@asynccontextmanager
async def running(collector: LogsCollector) -> AsyncIterator[LogsCollector]:
    collector.prepare()
    collector.restore()
    task = asyncio.create_task(collector.run())
    try:
        yield collector
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def config(url: str) -> LokiConfig:
    return LokiConfig(url=LokiUrl(url), longest_wait=Duration(0.5))


def test_how_long_an_unfinished_line_waits_can_be_said() -> None:
    source = SourceConfig(name="a", paths=["/var/log/a.log"], flush_after=Duration(0.5))

    assert file_settings(source).limits.flush_after == 0.5


async def test_a_command_that_does_not_run_is_a_failure_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sources = LogsConfig(sources=[SourceConfig(name="journal", journal=True)])
    with loki() as sink:
        async with running(LogsCollector(sources, config(sink.url), tmp_path, "studio-7")) as collector:
            await soon(lambda: "log-command-failing" in findings(collector))
            found = findings(collector)["log-command-failing"]

    assert found.severity is Severity.FAILURE
    assert "journalctl: No such file" in found.detail
    assert found.remedy[0].startswith("journalctl --follow")


@pytest.mark.parametrize(
    ("status", "code", "remedy"), [(401, "loki-refuses", "token_file"), (429, "loki-rate-limited", "ingestion_rate_mb")]
)
async def test_what_loki_answers_is_a_finding_until_it_takes_entries(
    tmp_path: Path, status: int, code: str, remedy: str
) -> None:
    log = tmp_path / "app.log"
    log.write_text("line\n")
    sources = LogsConfig(sources=[SourceConfig(name="app", paths=[str(log)])])
    with loki() as sink:
        sink.fault("answer", status=status)
        async with running(LogsCollector(sources, config(sink.url), tmp_path, "studio-7")) as collector:
            await soon(lambda: code in findings(collector))
            assert remedy in findings(collector)[code].remedy[0]
            assert sink.lines() == []
            sink.well()
            await soon(sink.lines)

        assert sink.lines() == ["line"]
