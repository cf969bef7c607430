"""The answer to one request, or the reason why there is none."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

NO_ANSWER = 0
"""The code of a request without an answer."""

NOT_SENT = -1
"""The code of a request that was not sent, because a file of credentials or certificates cannot be used."""

CODES = {NO_ANSWER: "connection", NOT_SENT: "credentials"}
"""The label value of a failure without an HTTP status."""

_LONGEST_RETRY_AFTER = 3600.0
_SHOWN = 300
_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_HTML = re.compile(r"\s*<(!doctype|html|head|title|\?xml)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request.

    Attributes:
        code: The HTTP status, `NO_ANSWER` or `NOT_SENT`.
        text: The text of the body, or what happened instead of an answer.
        retry_after: The seconds that the answer asks to wait, 0 for none.
        server: The name of the answering server, if it says one.
    """

    code: int
    text: str = ""
    retry_after: float = 0.0
    server: str = ""

    @property
    def is_page(self) -> bool:
        """True if the text is a page for a browser, which neither Loki nor a metrics server sends."""
        return _HTML.match(self.text) is not None

    @property
    def code_label(self) -> str:
        """The value of a label `code`."""
        return CODES.get(self.code, str(self.code))

    def shown(self) -> str:
        """Return the answer in one short line."""
        text = " ".join(self.text.split())
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        if self.code in CODES:
            return text
        by = f"{' '.join(self.server.split())[:_SHOWN]} answered " if self.server else ""
        return f"{by}HTTP {self.code} {text}".strip()


def http_date(text: str) -> float:
    """Return the Unix seconds of an HTTP date.

    Raises:
        ValueError: The text is no date, or one that the platform cannot convert.
    """
    try:
        return parsedate_to_datetime(text).timestamp()
    except (OverflowError, OSError) as error:
        raise ValueError(text) from error


def retry_after(value: str, date: str = "") -> float:
    """Return the seconds that an answer asks to wait (RFC 9110, 10.2.3: a number or a date), or 0.

    Args:
        value: The header `Retry-After`.
        date: The header `Date` of the same answer. A wait until a date starts there, as this machine's clock may be
            wrong.
    """
    if _NUMBER.fullmatch(value):
        seconds = float(value)
    else:
        try:
            seconds = http_date(value) - _instant(date)
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _instant(date: str) -> float:
    try:
        return http_date(date)
    except ValueError:
        return time.time()
