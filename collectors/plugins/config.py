"""The section `[plugins]` of the configuration."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from collectors.plugins.names import PLUGIN_NAME
from collectors.plugins.push.config import PushConfig
from collectors.refusals import refuse
from collectors.units import Duration, Size

_SHORTEST_INTERVAL = 0.1
_LARGEST_PAGE = 4 << 20


class PluginsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[plugins]`.

    Attributes:
        enabled: Whether the agent looks for sockets.
        directories: Directories with sockets; empty for the defaults of the agent's user and of `users`.
        users: Names or numbers of trusted users, in addition to the agent's own user and root.
        expected: Names of plugins that should always run.
        interval: The time from one poll of a socket to its next.
        timeout: The limit of one poll. A poll longer than the interval delays only that socket's next poll.
        max_size: The limit of bytes in one answer.
        max_samples: The limit of sample lines in one answer.
        push: The pages that apps on other machines push.
    """

    enabled: bool = True
    directories: list[str] = []
    users: list[str] = []
    expected: list[str] = []
    interval: Duration = Duration(5.0)
    timeout: Duration = Duration(2.0)
    max_size: Size = Size(1 << 20)
    max_samples: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 2_000
    push: PushConfig = PushConfig()

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: A value is unusable.
        """
        relative = [path for path in self.directories if not path.startswith("/")]
        unusable = [name for name in self.expected if not re.fullmatch(PLUGIN_NAME, name)]
        shortest, largest = _SHORTEST_INTERVAL, _LARGEST_PAGE
        refuse(
            {
                f"expected absolute directories, got {', '.join(relative)}": relative,
                f"expected names such as backend in expected, got {', '.join(map(repr, unusable))}": unusable,
                "push.enabled needs enabled = true": self.push.enabled and not self.enabled,
                f"expected an interval of at least {shortest:g}s, got {self.interval:g}s": self.interval < shortest,
                f"expected a timeout above zero, got {self.timeout:g}s": not self.timeout > 0,
                f"expected a max_size of 1B to {largest >> 20}MiB, got {self.max_size} bytes": (
                    not 0 < self.max_size <= largest
                ),
            }
        )
