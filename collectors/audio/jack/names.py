"""What our clients are called in a JACK server's graph."""

from __future__ import annotations

import os

_LONGEST_SERVER = 32
"""Of a client's 63 characters, JACK's limit, this leaves enough for our own and for JACK's suffix `-01`."""


def client_name(name: str, server: str) -> str:
    """The name of one of our clients: its own on the server `default`, with the server's name on any other.

    A client listens at a socket that libjack names after the client and the user, not after the server
    (`JackSocket.cpp`, `BuildName`). Two clients of one name that open on two servers at the same moment take each
    other's: one fails to open, or is connected and never told of an xrun. On one server JACK keeps names apart.

    Args:
        name: What it is called where there is one server, as is usual.
        server: The server's name; empty for libjack's own default.
    """
    server = server or os.environ.get("JACK_DEFAULT_SERVER") or "default"
    return name if server == "default" else f"{name}-{server[:_LONGEST_SERVER]}"
