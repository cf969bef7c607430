"""The section `[loki]` of the configuration."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

import msgspec

from collectors.refusals import refuse
from collectors.units import Duration, Size

_SHORTEST = 0.1
"""The shortest useful timeout in seconds."""

PUSH_PATH = "/loki/api/v1/push"

HeaderText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text of one line, as an HTTP header takes it."""


class LokiUrl(str):
    """The base URL of Loki, such as `https://loki.example:3100`, or empty for none."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a base URL, with or without the path of the push API.

        Raises:
            ValueError: It is not an http or https URL, or it carries a secret.
        """
        url = text.strip().rstrip("/").removesuffix(PUSH_PATH)
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise ValueError("a URL must not carry a user or a password; use username and password_file")
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"expected an http or https URL, such as 'http://127.0.0.1:3100', got {text!r}")
        return cls(url)


class ProxyUrl(str):
    """The URL of an HTTP proxy, `direct` for none, or empty for the environment's."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the URL of a proxy.

        Raises:
            ValueError: It is not an http or https URL, or it carries a secret.
        """
        parts = urlsplit(text)
        if "@" in parts.netloc:
            raise ValueError("a URL must not carry a user or a password; set HTTPS_PROXY for a proxy that needs one")
        if text not in {"", "direct"} and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f"expected an http URL such as 'http://proxy:3128', or 'direct', got {text!r}")
        return cls(text)


class LokiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[loki]`. Each secret has a file of its own, with one line.

    Attributes:
        url: The base URL of Loki. Empty reads nothing and sends nothing.
        host: The label `host` of every stream. Empty means the machine's name.
        tenant: The header `X-Scope-OrgID`. Empty for a Loki with one tenant.
        username: The user of basic authentication, with `password_file`.
        password_file: The file that holds the password.
        token_file: The file that holds a bearer token. It takes precedence over `username`.
        ca_file: The certificates to trust instead of the system's, PEM.
        cert_file: The agent's client certificate, PEM.
        key_file: The key of the certificate, unless `cert_file` holds it.
        server_name: The name that Loki's certificate must have. Empty means the host of `url`.
        proxy: The URL of an HTTP proxy, or `direct` for none. Empty means `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
        timeout: The timeout of one request, after which it is retried.
        batch_size: The most text in one request, unless one entry alone is longer. Loki deduplicates a retried
            request only while its head block holds the first, so large requests risk duplicates.
        connections: The most concurrent requests.
        longest_wait: The longest pause between two retries. The first is half a second, each further one doubles.
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
    server_name: str = ""
    proxy: ProxyUrl = ProxyUrl()
    timeout: Duration = Duration(30.0)
    batch_size: Size = Size(56 * 1024)
    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    longest_wait: Duration = Duration(30.0)

    def __post_init__(self) -> None:
        """Refuse settings with which nothing could be sent.

        Raises:
            ValueError: With one line for each problem.
        """
        refuse(
            {
                f"expected a timeout of at least {_SHORTEST:g}s, got {self.timeout:g}s": self.timeout < _SHORTEST,
                f"expected a longest_wait of at least {_SHORTEST:g}s, got {self.longest_wait:g}s": (
                    self.longest_wait < _SHORTEST
                ),
                f"expected a batch_size of at least 1B, got {self.batch_size}B": self.batch_size < 1,
                "expected username together with password_file": self.password_file and not self.username,
                "expected cert_file together with key_file": self.key_file and not self.cert_file,
            }
        )
