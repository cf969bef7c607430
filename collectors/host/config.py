"""What a user can say about the host collector."""

from __future__ import annotations

import msgspec


class HostConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `[host]` section.

    Attributes:
        enabled: Whether this machine itself is measured.
    """

    enabled: bool = True
