"""The agent's own log: on standard error, coloured on a terminal, else as JSON lines; and in a file that rotates."""

from __future__ import annotations

import logging
import os
import sys
from io import FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

LogFormat = Literal["auto", "console", "json"]

FILE = "agent.log"
"""The file in the state directory of an agent without a service manager that keeps its log."""

MOST_BYTES = 1 << 20
"""The size at which the file is rotated. One older file is kept, with the suffix `.1`."""


def configure(level: str, form: LogFormat) -> None:
    """Send structlog and the standard library's logging to standard error. Safe to call repeatedly.

    Args:
        level: The lowest level to write: `debug`, `info`, `warning` or `error`.
        form: `console` or `json`; `auto` is `console` if standard error is a terminal, else `json`.
    """
    shared = _shared()
    on_terminal = form == "console" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_console() if on_terminal else _json()))
    root = logging.getLogger()
    files = [it for it in root.handlers if isinstance(it, _File)]
    instead = any(it.instead_of_stderr for it in files)
    root.handlers[:] = [*([] if instead else [handler]), *files]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def keep(path: Path, *, instead_of_stderr: bool = False) -> None:
    """Also write the log to a file, as JSON lines that only the agent's user can read.

    Args:
        path: The file. It is rotated at `MOST_BYTES`.
        instead_of_stderr: Write nothing to standard error from now on.

    Raises:
        OSError: The file cannot be opened.
    """
    handler = _File(path, instead_of_stderr=instead_of_stderr)
    handler.setFormatter(_formatter(_json()))
    root = logging.getLogger()
    root.handlers[:] = [it for it in root.handlers if not (instead_of_stderr or isinstance(it, _File))] + [handler]


def is_kept() -> bool:
    """Return whether the log is in a file already, or goes to the systemd journal."""
    return "JOURNAL_STREAM" in os.environ or any(isinstance(it, _File) for it in logging.getLogger().handlers)


class _File(RotatingFileHandler):
    """The file of the log. A full disk loses its lines and nothing else."""

    def __init__(self, path: Path, *, instead_of_stderr: bool) -> None:
        self.instead_of_stderr = instead_of_stderr
        super().__init__(path, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return TextIOWrapper(FileIO(descriptor, "a"), encoding="utf-8", write_through=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the standard library
        """Lose the line."""


def _formatter(processors: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors],
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _console() -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
