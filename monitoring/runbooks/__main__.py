"""The command that completes the runbooks in place."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from monitoring.runbooks.alerts import Alert, alerts
from monitoring.runbooks.text import completed

FOLDER = Path(__file__).parent


def by_runbook() -> dict[Path, list[Alert]]:
    """Return the rules of each runbook's file."""
    ordered = sorted(alerts(), key=lambda alert: alert.runbook)
    return {FOLDER / f"{name}.md": [*of] for name, of in groupby(ordered, key=lambda alert: alert.runbook)}


def main() -> None:
    """Write the head and the escalation of each runbook."""
    for file, of in by_runbook().items():
        file.write_text(completed(file.read_text(), of))


if __name__ == "__main__":
    main()
