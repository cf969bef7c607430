"""The command that writes the dashboards and the runbooks that Grafana shows."""

from __future__ import annotations

from pathlib import Path

from monitoring.grafana.boards import runbooks
from monitoring.grafana.boards.everything import files

DASHBOARDS = Path(__file__).parents[1] / "dashboards"
RUNBOOKS = Path(__file__).parents[1] / "runbooks"


def main() -> None:
    """Write each dashboard to the file of its name, and remove files without one."""
    for folder, written in ((DASHBOARDS, files()), (RUNBOOKS, runbooks.files())):
        folder.mkdir(exist_ok=True)
        for outdated in {file.name for file in folder.glob("*.json")} - set(written):
            (folder / outdated).unlink()
        for name, text in written.items():
            (folder / name).write_text(text)


if __name__ == "__main__":
    main()
