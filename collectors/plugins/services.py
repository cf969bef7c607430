"""The last known value of each plugin's label `service`, kept over restarts of the agent.

A socket that a killed service left behind does not name the service. The agent keeps the name, since the alert on a
dead service is more urgent than that on a plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

from collectors import regular_file
from collectors.atomic_file import replace
from collectors.plain_errors import plain_text

_log = structlog.get_logger()

_NAME = "plugin_services.json"
_MOST_BYTES = 1 << 20


class ServiceFile:
    """The file with the services. Its methods block on the disk.

    Args:
        directory: The state directory; None to keep nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / _NAME if directory else None

    def read(self) -> dict[str, str]:
        """Return the services by plugin; none if the file is missing or damaged."""
        if self._path is None:
            return {}
        try:
            return msgspec.json.decode(regular_file.read(self._path, _MOST_BYTES), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.warning("cannot read the services of plugins", file=str(self._path), problem=plain_text(error))
            return {}

    def write(self, services: Mapping[str, str]) -> None:
        """Replace the services; log a failure."""
        if self._path is None:
            return
        try:
            replace(self._path, msgspec.json.encode(services))
        except OSError as error:
            _log.warning("cannot keep the services of plugins", file=str(self._path), problem=plain_text(error))
