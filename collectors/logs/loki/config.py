"""What a user can say about Loki in the configuration. Owns the section `[loki]`."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

import msgspec

from collectors.units import Duration, Size

PUSH_PATH = "/loki/api/v1/push"

HeaderText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text that may stand in an HTTP header: on one line."""


class LokiUrl(str):
    """Where Loki is: its base, such as `https://loki.example:3100`, or empty for nowhere."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a base URL; one that already ends in the push API's path means the same.

        Raises:
            ValueError: It is no http or https URL, or carries a secret.
        """
        url = text.strip().rstrip("/").removesuffix(PUSH_PATH)
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise ValueError("a URL must not carry a user or a password; use username and password_file")
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"expected an http or https URL, such as 'http://127.0.0.1:3100', got {text!r}")
        return cls(url)


class LokiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[loki]`. Secrets stand in files of their own, one line each.

    Attributes:
        url: Where Loki is; empty: nothing is read and nothing sent.
        host: The label `host` of every stream; empty for the machine's name.
        tenant: Sent as `X-Scope-OrgID`; empty where Loki has one tenant only.
        username: For basic authentication, with `password_file`.
        password_file: The file that holds the password.
        token_file: The file that holds a bearer token; goes before `username`.
        ca_file: Certificates to trust instead of the system's, PEM.
        cert_file: The agent's own certificate, PEM, where Loki asks for one.
        key_file: The certificate's key, if it is not in `cert_file`.
        timeout: How long one request may take before it is sent again.
        batch_size: Text in one request at most, unless one entry alone is longer. Loki drops a request that comes
            twice only while it holds the first in its head block, so that large ones risk doubles.
        connections: Requests under way at once.
        longest_wait: The longest pause between two tries; the first is half a second, each further one twice as long.
    """

    url: LokiUrl = LokiUrl()
    host: str = ""
    tenant: HeaderText = ""
    username: HeaderText = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    timeout: Duration = Duration(30.0)
    batch_size: Size = Size(56 * 1024)
    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    longest_wait: Duration = Duration(30.0)
