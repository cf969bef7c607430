"""The whole central stack as `monitoring/start.sh` runs it, on free ports, at normal speed or faster.

Faster means that one number divides every duration of Prometheus and Alertmanager: intervals, `for:`, ranges, offsets,
and Alertmanager's waits. Rules, routes, receivers and inhibitions stay as they are.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.support.exporters import page, process
from tests.support.monitoring import MONITORING, SETTINGS, environment
from tests.support.prometheus import Prometheus, free_port
from tests.support.waiting import eventually

_DURATION = re.compile(r"((?:interval|for|group_wait): |offset -?|\[|:)(\d+)([smhdw])\b")
_MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_TIMEOUT = re.compile(r"^ *scrape_timeout: .*\n", re.MULTILINE)
_EXPORTERS = ("POSTGRES_EXPORTER", "REDIS_EXPORTER", "NGINX_EXPORTER")
_PORTS = ("PROMETHEUS", "ALERTMANAGER", "LOKI", "LOKI_GRPC", "GRAFANA", "BLACKBOX_EXPORTER", *_EXPORTERS)


class Stack(NamedTuple):
    """A running start.sh.

    Attributes:
        prometheus: Its Prometheus.
        alertmanager: The address of its Alertmanager.
        targets: The folder with Prometheus's targets, one file for each job.
    """

    prometheus: Prometheus
    alertmanager: str
    targets: Path

    def watch(self, job: str, exporters: Sequence[tuple[str, str, str]]) -> None:
        """Let Prometheus scrape exporters, given as the page's address, the exporter's service and its host."""
        groups = [
            {"targets": [url.split("/")[2]], "labels": {"service": service, "host": host}}
            for url, service, host in exporters
        ]
        fresh = self.targets / f"{job}.new"
        fresh.write_text(yaml.safe_dump(groups))
        fresh.rename(self.targets / f"{job}.yml")


def hastened(text: str, times: int) -> str:
    """Return a configuration file with every duration divided. A scrape may then take as long as its interval."""

    def shorter(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * _MILLISECONDS[found[3]] // times}ms"

    return _DURATION.sub(shorter, _TIMEOUT.sub("", text))


def _shorten_lookback(script: Path, times: int) -> None:
    """Let Prometheus show a last sample for a shorter time than 5 minutes."""
    option = "--web.enable-lifecycle"
    text = script.read_text()
    assert text.count(option) == 1
    script.write_text(text.replace(option, f"{option} --query.lookback-delta={300_000 // times}ms"))


@contextlib.contextmanager
def stack(
    folder: Path, settings: Mapping[str, str], *, times: int = 1, short_lookback: bool = False
) -> Iterator[Stack]:
    """Yield the stack when it is ready, and end it afterwards.

    Args:
        folder: For its files.
        settings: In addition to those of every stack.
        times: The factor by which its time is faster.
        short_lookback: True to divide the 5 minutes for which Prometheus shows a last sample, too.
    """
    copy = shutil.copytree(MONITORING, folder / "monitoring", ignore=shutil.ignore_patterns("__pycache__", ".env"))
    if times != 1:
        for file in [*copy.glob("prometheus/**/*.yml"), copy / "alertmanager/alertmanager.yml"]:
            file.write_text(hastened(file.read_text(), times))
    if short_lookback:
        _shorten_lookback(copy / "lib/components.sh", times)
    ports = {f"{name}_PORT": str(free_port()) for name in _PORTS}
    env = environment(folder / "data", SETTINGS | ports | dict(settings))
    server = Prometheus(f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}")
    log = folder / "start.sh.log"
    with process([copy / "start.sh", "--processes"], folder, env) as script:
        eventually(lambda: server.ready() or script.poll() is not None, f"Prometheus is ready; see {log}")
        assert script.poll() is None, log.read_text()
        alertmanager = f"http://127.0.0.1:{ports['ALERTMANAGER_PORT']}"
        eventually(lambda: page(f"{alertmanager}/-/ready"), f"Alertmanager is ready; see {log}")
        yield Stack(server, alertmanager, folder / "data/targets")
