"""The meaning of Loki's answers to a push. Pure; owns the knowledge of Loki's status codes and texts.

A 400 is partial: Loki stored the good entries of the body and refused the others. Its text counts the refused: the
distributor says `3 errors like: entry for stream '…' has timestamp too old: …; 1 errors like: …`, the ingester
`… total ignored: 2 out of 10 for stream: …`. The entries missing from those 10 were refused by the distributor. This
holds for requests of one stream: of several, Loki reports the last one's alone. Texts are those of Loki 3.7
(pkg/validation/validate.go, pkg/ingester/stream.go), with older wordings.

Only Loki's own 204 is success. A proxy in front of it may answer anything else.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from collectors.http_push.answer import NO_ANSWER, Answer

SUCCESS = 204
"""The code of Loki's success."""

_PARTIAL = 400
_TOO_LARGE = 413
_UNPROCESSABLE = 422
_SERVER_ERRORS = range(500, 600)

TIME_REASONS = {"too_old", "too_new", "too_far_behind"}
"""The reasons that an entry's time causes."""

_ONE_ENTRY = (
    (re.compile(r"max entry size", re.IGNORECASE), "line_too_long"),
    (re.compile(r"timestamp too old", re.IGNORECASE), "too_old"),
    (re.compile(r"timestamp too new", re.IGNORECASE), "too_new"),
    (re.compile(r"too far behind|out of order", re.IGNORECASE), "too_far_behind"),
    (re.compile(r"structured metadata", re.IGNORECASE), "structured_metadata"),
)
_WHOLE_STREAM = re.compile(
    r"\d+ label names; limit|label (name|value) too long|duplicate label name|error parsing labels"
    r"|couldn't parse labels|at least one label pair|missing required labels",
    re.IGNORECASE,
)
_NO_STREAM = re.compile(r"at least one valid stream", re.IGNORECASE)
_LAST_NS = 1 << 62
"""A time in the year 2116: a later limit is no limit of Loki's."""

_GROUPED = re.compile(r"(\d+) errors like: (.*?)(?=; \d+ errors like: |\Z)", re.DOTALL)
_IGNORED = re.compile(r"total ignored: (\d+) out of (\d+) for stream")
_OLDEST = re.compile(r"oldest acceptable timestamp is: ([0-9TZ:.+-]+)")
_LONGEST = re.compile(r"max entry size '(\d+)' bytes", re.IGNORECASE)


class Action(Enum):
    """The next step for the entries of a request."""

    DONE = auto()
    """Loki stored or refused each of them."""
    SPLIT = auto()
    """None is stored, as there are too many for one request."""
    SINGLE_OUT = auto()
    """Loki refused some, and does not say which, how many or why: smaller requests show it."""
    WAIT = auto()
    """None is stored for now: retry later."""


class Fault(Enum):
    """A fault of Loki or of the requests to it."""

    UNREACHABLE = "loki-unreachable"
    REFUSES = "loki-refuses"
    RATE_LIMITED = "loki-rate-limited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of an answer.

    Attributes:
        action: The next step for the entries.
        refused: The number of refused entries by reason; only with `DONE`.
        fault: The cause if the entries are not at fault.
    """

    action: Action
    refused: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None


_SPLIT = Verdict(Action.SPLIT)
_REFUSES = Verdict(Action.WAIT, fault=Fault.REFUSES)
_BY_CODE = {
    SUCCESS: Verdict(Action.DONE),
    _TOO_LARGE: _SPLIT,
    429: Verdict(Action.WAIT, fault=Fault.RATE_LIMITED),
    NO_ANSWER: Verdict(Action.WAIT, fault=Fault.UNREACHABLE),
}


def judge(answer: Answer, entries: int) -> Verdict:
    """Return the meaning of the answer to a request of one stream with so many entries."""
    if answer.code in {_PARTIAL, _UNPROCESSABLE}:
        return _REFUSES if answer.is_page or _WHOLE_STREAM.search(answer.text) else _judge_partial(answer, entries)
    if answer.code in _SERVER_ERRORS:
        too_large = "larger than max" in answer.text and not answer.is_page
        return _SPLIT if too_large else Verdict(Action.WAIT, fault=Fault.UNREACHABLE)
    return _BY_CODE.get(answer.code, _REFUSES)


def judge_empty(answer: Answer) -> Fault | None:
    """Return the fault by the answer to a request without streams. A healthy Loki asks for a stream, by a 422."""
    if answer.code == _UNPROCESSABLE and not answer.is_page and _NO_STREAM.search(answer.text):
        return None
    return judge(answer, 0).fault or Fault.REFUSES


def refusals(text: str, entries: int) -> Counter[str]:
    """Return the number of entries that a 400 refused, by reason; none if the text gives no known reason or number.

    Earlier versions of Loki name one refused entry and no number.

    Args:
        text: The text of the answer.
        entries: The number of entries in the request.
    """
    ignored = _IGNORED.search(text)
    if ignored:
        reached = int(ignored[2])
        return +Counter({_reason(text) or "refused": int(ignored[1]), "invalid": entries - reached})
    found: Counter[str] = Counter()
    for count, message in _GROUPED.findall(text) or [(1, text)] * (entries == 1):
        reason = _reason(message)
        if reason:
            found[reason] += int(count)
    return found


def oldest_acceptable(text: str) -> int:
    """Return the latest "oldest acceptable timestamp" of a text, Unix nanoseconds; 0 for none, or an impossible one."""
    found = []
    for said in _OLDEST.findall(text):
        with suppress(ValueError, OverflowError, OSError):
            found.append(int(datetime.fromisoformat(said).timestamp()) * 10**9)
    latest = max(found, default=0)
    return latest if 0 <= latest <= _LAST_NS else 0


def longest_line(text: str) -> int:
    """Return the longest line that Loki takes, in bytes, as a text says; 0 for none."""
    found = _LONGEST.search(text)
    return int(found[1]) if found else 0


def _judge_partial(answer: Answer, entries: int) -> Verdict:
    refused = refusals(answer.text, entries) if answer.code == _PARTIAL else Counter[str]()
    if refused:
        return Verdict(Action.DONE, refused)
    return Verdict(Action.SINGLE_OUT, fault=None if _reason(answer.text) else Fault.REFUSES)


def _reason(message: str) -> str | None:
    return next((reason for pattern, reason in _ONE_ENTRY if pattern.search(message)), None)
