"""The demo: the stack with a simulated studio and everything filled in. It reads no settings and no secrets."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from monitoring.drill.studio import ROOT, studio

MARK = "[DEMO] "
_PORTS = {
    "PROMETHEUS_PORT": "9090",
    "ALERTMANAGER_PORT": "9093",
    "GRAFANA_PORT": "3000",
    "LOKI_PORT": "3100",
    "LOKI_GRPC_PORT": "9095",
}


def main() -> int:
    """Run the demo until SIGINT or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with tempfile.TemporaryDirectory(prefix="wr-demo-") as folder:
        settings = _settings(Path(folder))
        try:
            with studio(Path(folder), ROOT / "monitoring", settings, audio="auto") as running:
                _say("this is a demo: every receiver is a stand-in on loopback, and the studio is simulated")
                for server in ("Prometheus", "Alertmanager", "Grafana", "Loki"):
                    _say(f"{server}: http://127.0.0.1:{running.port(server.upper())}")
                _say(f"Grafana's login: {settings['GRAFANA_ADMIN_USER']} / {settings['GRAFANA_ADMIN_PASSWORD']}")
                _say("missing programs and their cost:\n" + (Path(folder) / "stack.log").read_text())
                ended.wait()
        except TimeoutError as error:
            _say(f"{error}\n{(Path(folder) / 'stack.log').read_text()}")
            return 1
    return 0


def _settings(folder: Path) -> dict[str, str]:
    """Return the settings of the demo. Only ports come from the environment."""
    ports = {name: os.environ.get(name, default) for name, default in _PORTS.items()}
    marked = {f"{kind.upper()}_DIR": str(_marked(folder, kind)) for kind in ("dashboards", "runbooks")}
    names = {"CLUSTER": "demo", "ENVIRONMENT": "demo", "HOST_NAME": "demo-central", "TITLE_MARK": MARK}
    login = {"GRAFANA_ADMIN_USER": "admin", "GRAFANA_ADMIN_PASSWORD": "white-room"}
    return ports | marked | names | login | {"GRAFANA_URL": f"http://127.0.0.1:{ports['GRAFANA_PORT']}"}


def _marked(folder: Path, kind: str) -> Path:
    """Write copies of the dashboards whose titles carry the mark, and return their directory."""
    target = folder / f"marked-{kind}"
    target.mkdir()
    for file in (ROOT / "monitoring/grafana" / kind).glob("*.json"):
        board = json.loads(file.read_text())
        board["title"] = MARK + board["title"]
        (target / file.name).write_text(json.dumps(board))
    return target


def _say(text: str) -> None:
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
