"""Writes the dashboards to `monitoring/grafana/dashboards/`."""

from __future__ import annotations

from pathlib import Path

from monitoring.grafana.boards.everything import files

FOLDER = Path(__file__).parents[1] / "dashboards"


def main() -> None:
    """Write each dashboard to the file of its name."""
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
