"""The section `[loki]` of the configuration."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import msgspec

from collectors.http_push.config import ReceiverConfig, ReceiverUrl
from collectors.refusals import check_all, refuse
from collectors.units import Size

PUSH_PATH = "/loki/api/v1/push"


class LokiUrl(ReceiverUrl):
    """The base URL of Loki, such as `https://loki.example:3100`, or empty for none."""

    __slots__ = ()
    example: ClassVar[str] = "http://127.0.0.1:3100"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a base URL, with or without the path of the push API.

        Raises:
            ValueError: It is not an http or https URL, or it carries a secret.
        """
        return cls(super().parse(text).removesuffix(PUSH_PATH))


class LokiConfig(ReceiverConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[loki]`: access to Loki, and the size of requests.

    Attributes:
        url: The base URL of Loki. Empty reads nothing and sends nothing.
        batch_size: The most text in one request, unless one entry alone is longer. Loki deduplicates a retried
            request only while its head block holds the first, so large requests risk duplicates.
        connections: The most concurrent requests.
    """

    section: ClassVar[str] = "loki"
    url: LokiUrl = LokiUrl()
    batch_size: Size = Size(56 * 1024)
    connections: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4

    def __post_init__(self) -> None:
        """Refuse settings with which nothing could be sent.

        Raises:
            ValueError: With one line for each problem.
        """
        smallest = {f"expected a batch_size of at least 1B, got {self.batch_size}B": self.batch_size < 1}
        check_all(super().__post_init__, lambda: refuse(smallest))
