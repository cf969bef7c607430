"""The section `[plugins.push]` of the configuration."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from collectors.address import Address
from collectors.plugins.names import PLUGIN_NAME
from collectors.refusals import refuse
from collectors.units import Duration, Size

_LARGEST_PAGE = 4 << 20
_SHORTEST_INTERVAL = 1.0


class PushConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[plugins.push]`.

    Attributes:
        enabled: Whether the agent accepts pushed pages.
        listen: The address for pushes.
        config_file: A web configuration file with TLS settings; empty for plain HTTP, on loopback only.
        token_files: The file with the tokens of each plugin. Each line is a token.
        interval: The shortest time between two pages of a process, on average.
        expiry: The time without a page after which a process has ended.
        max_size: The limit of bytes of one page.
        max_samples: The limit of sample lines of one page.
        max_apps: The limit of processes of one plugin.
        max_series: The limit of series of one plugin, its gauges included.
    """

    enabled: bool = False
    listen: Address = Address("127.0.0.1", 9788)
    config_file: str = ""
    token_files: dict[str, str] = {}
    interval: Duration = Duration(5.0)
    expiry: Duration = Duration(35.0)
    max_size: Size = Size(128 << 10)
    max_samples: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 2_000
    max_apps: Annotated[int, msgspec.Meta(ge=1, le=2_000)] = 200
    max_series: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 5_000

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: A value is unusable, or a key that another one needs is missing.
        """
        unusable = [name for name in self.token_files if not re.fullmatch(PLUGIN_NAME, name)]
        open_to_all = self.enabled and not self.listen.is_loopback
        shortest, largest = _SHORTEST_INTERVAL, _LARGEST_PAGE
        refuse(
            {
                f"expected names such as stage-app in token_files, got {', '.join(map(repr, unusable))}": unusable,
                "enabled needs a token; set token_files, such as { stage-app = '/etc/wr-agent/stage-app.token' }": (
                    self.enabled and not self.token_files
                ),
                f"listen is {str(self.listen)!r}, which is beyond loopback; set config_file to a file with "
                "tls_server_config, since tokens must not travel in clear text": (open_to_all and not self.config_file),
                f"expected an interval of at least {shortest:g}s, got {self.interval:g}s": self.interval < shortest,
                f"expected an expiry above the interval ({self.interval:g}s), got {self.expiry:g}s": (
                    self.expiry <= self.interval
                ),
                f"expected a max_size of 1B to {largest >> 20}MiB, got {self.max_size} bytes": (
                    not 0 < self.max_size <= largest
                ),
            }
        )
