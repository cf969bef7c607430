"""The reasons why JACK refuses a client, in plain words instead of JACK-Client's numbers and names of flags."""

from __future__ import annotations

from typing import Any

_REASONS = {
    "version_error": "its version of JACK differs from that of the agent's library",
    "shm_failure": "its shared memory cannot be used",
    "name_not_unique": "the name of the agent's client is taken",
    "init_failure": "the agent's client could not be initialized",
    "backend_error": "its driver failed",
    "client_zombie": "it has expelled the agent's client",
    "server_error": "it answered the agent's client with an error",
    "server_failed": "it accepts no connection",
}
"""The text of each flag of JACK's status; the more exact ones first."""


def open_reason(error: Any) -> str:  # noqa: ANN401 - JACK-Client carries no types
    """Return the reason of a `jack.JackOpenError`."""
    return next((text for flag, text in _REASONS.items() if getattr(error.status, flag)), "JACK gives no reason")


def call_reason(error: Exception) -> str:
    """Return the reason of another `jack.JackError`, without the number that JACK adds."""
    return f"a call of JACK failed: {getattr(error, 'message', None) or error}"
