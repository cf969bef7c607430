"""The host names of the agent, in the notation of `web.hosts`."""

from __future__ import annotations

import re

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_LONGEST = 255


class HostName(str):
    """A host name, or `*.` and a domain."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HostName:
        """Read a name such as `"studio7.example"` or `"*.studio.example"`.

        Raises:
            ValueError: The text is not a host name, or has a port.
        """
        name = text.strip().lower().removesuffix(".")
        if len(name) > _LONGEST or not _NAME.fullmatch(name):
            raise ValueError(f"expected a host name without a port, such as 'studio7.example', got {text!r}")
        return cls(name)
