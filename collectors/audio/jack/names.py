"""Names of the agent's clients in a JACK server's graph."""

from __future__ import annotations

import os
from collections.abc import Mapping

_LONGEST_SERVER = 32
"""The limit of the server's name. JACK allows 63 characters, including the client's own name and a suffix `-01`."""


def server_name(configured: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the server's name: the configured one, that of the environment, or JACK's default, as libjack does."""
    return configured or environment.get("JACK_DEFAULT_SERVER") or "default"


def client_name(name: str, server: str) -> str:
    """Return a client's name: `name` on the server `default`, with the server's name appended on any other.

    libjack names a client's socket after the client and the user, not after the server (`JackSocket.cpp`, `BuildName`).
    Two clients of one name that open on two servers at the same moment use the same socket. Then one fails to open, or
    receives no xruns. On one server JACK makes names unique.

    Args:
        name: The client's name on the server `default`.
        server: The server's name; empty for libjack's own default.
    """
    server = server_name(server)
    return name if server == "default" else f"{name}-{server[:_LONGEST_SERVER]}"
