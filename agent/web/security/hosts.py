"""The names by which callers may address the agent.

A web page can let its own name resolve to this machine (DNS rebinding). A browser then considers the agent part of that
page's site and lets the page read it. The `Host` header carries the page's name, so the agent refuses foreign names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

_HOST = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::\d*)?")


def is_allowed(header: str, names: Collection[str]) -> bool:
    """Return True if a `Host` header holds an address, `localhost` or one of the names.

    Args:
        header: The value of the header.
        names: Host names in lower case; `*.` matches exactly one label.
    """
    found = _HOST.fullmatch(header.strip())
    if found is None:
        return False
    host = (found["six"] or found["name"] or "").lower().removesuffix(".")
    return host == "localhost" or _is_address(host) or host in names or f"*.{host.partition('.')[2]}" in names


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
