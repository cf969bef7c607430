"""What a user can say about plugins in the configuration. Owns the section `[plugins]`."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from collectors.units import Duration, Size

PLUGIN_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
"""The regular expression of a plugin's name, as in the name of its socket."""

_SHORTEST_INTERVAL = 0.1
_LARGEST_PAGE = 4 << 20


class PluginsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[plugins]`.

    Attributes:
        enabled: Whether sockets are looked for at all.
        directories: Where sockets are; empty for the default places of the agent's user and of `users`.
        users: Names or numbers of users who are trusted, beside the agent's own user and root.
        expected: Names of plugins that should always run, whichever way they end.
        interval: Time from one poll of a socket to its next.
        timeout: Time that one poll may take. One that takes longer than the interval delays that socket's next alone.
        max_size: Bytes that one answer may have.
        max_samples: Sample lines that one answer may have.
    """

    enabled: bool = True
    directories: list[str] = []
    users: list[str] = []
    expected: list[str] = []
    interval: Duration = Duration(5.0)
    timeout: Duration = Duration(2.0)
    max_size: Size = Size(1 << 20)
    max_samples: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 2_000

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            ValueError: With what was expected instead.
        """
        relative = [path for path in self.directories if not path.startswith("/")]
        if relative:
            raise ValueError(f"expected absolute directories, got {', '.join(relative)}")
        if unusable := [name for name in self.expected if not re.fullmatch(PLUGIN_NAME, name)]:
            raise ValueError(f"expected names such as backend in expected, got {', '.join(map(repr, unusable))}")
        if self.interval < _SHORTEST_INTERVAL:
            raise ValueError(f"expected an interval of at least {_SHORTEST_INTERVAL:g}s, got {self.interval:g}s")
        if not self.timeout > 0:
            raise ValueError(f"expected a timeout above zero, got {self.timeout:g}s")
        if not 0 < self.max_size <= _LARGEST_PAGE:
            raise ValueError(f"expected a max_size of 1B to {_LARGEST_PAGE >> 20}MiB, got {self.max_size} bytes")
