"""Asks the agent that runs on this machine what it says of itself."""

from __future__ import annotations

import urllib.error
import urllib.request

import msgspec

from agent.config import Config, state_directory
from agent.instance import running
from agent.status import SCHEMA, Status

TIMEOUT = 40.0
"""Seconds: the daemon may carry out its slow checks before it answers."""

_MAX_BYTES = 16 << 20


class NotRunningError(Exception):
    """No agent answers."""


def fetch(config: Config) -> Status:
    """The status of the agent that holds the state directory, else of the one at `web.listen`.

    Raises:
        NotRunningError: Nothing answers there, or something that is no agent of this version.
    """
    holder = running(state_directory(config))
    url = holder.url if holder else config.web.listen.url
    try:
        with urllib.request.urlopen(f"{url}/-/status", timeout=TIMEOUT) as answer:  # noqa: S310 - http by construction
            return _decoded(answer.read(_MAX_BYTES), url)
    except urllib.error.HTTPError as error:
        raise NotRunningError(f"what answers at {url} is no wr-agent: HTTP {error.code} for /-/status") from error
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise NotRunningError(f"no agent answers at {url}: {getattr(reason, 'strerror', None) or reason}") from error


def _decoded(body: bytes, url: str) -> Status:
    try:
        status = msgspec.json.decode(body, type=Status)
    except msgspec.DecodeError as error:
        raise NotRunningError(f"what answers at {url} is no wr-agent of this version: {error}") from error
    if status.schema != SCHEMA:
        raise NotRunningError(f"the agent at {url} speaks status {status.schema}, this command {SCHEMA}; update one")
    return status
