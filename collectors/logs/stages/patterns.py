r"""Regular expressions of users, matched by RE2 in a time that grows with the length of the text alone.

Python's own engine can take hours for a line of sixty characters and holds up the whole agent meanwhile. RE2 has no
such lines. It has no lookaround, backreferences, possessive quantifiers or atomic groups either, counts repetitions up
to 1,000, spells `\Z` as `\z`, and takes `\d`, `\w`, `\s` and `\b` for ASCII. The syntax is that of
https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import re2

_MEMORY_BYTES = 2 << 20
"""The most memory of one pattern, for its program and the states it has seen."""

MOST_REPLACEMENTS = 2000
"""The most replacements in one text, which ends after them. Each one searches the rest of the text."""

_REFERENCE = re.compile(r"\\(?:(\d+)|g<(\w+)>)")


class Pattern(str):
    """A regular expression in RE2's syntax."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Check a regular expression.

        Raises:
            ValueError: It cannot be compiled.
        """
        pattern = cls(text)
        pattern.compile()
        return pattern

    def compile(self) -> Matcher:
        """Return the compiled form.

        Raises:
            ValueError: It cannot be compiled.
        """
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY_BYTES
        source = _PYTHONS_END.sub(r"\1\\z", self)
        try:
            return Matcher(re2.compile(source.encode(), options))
        except (re2.error, UnicodeEncodeError, OverflowError) as error:
            raise ValueError(
                f"expected a regular expression in RE2's syntax (no lookaround, no backreferences), got {str(self)!r}:"
                f" {_reason(error)}"
            ) from None


_PYTHONS_END = re.compile(r"((?<!\\)(?:\\\\)*)\\Z")


class Matcher:
    """A compiled regular expression. It works on UTF-8.

    Attributes:
        groups: The names of the groups, in order.
    """

    def __init__(self, compiled: Any) -> None:  # noqa: ANN401 - RE2 has no types
        self._search, self._match, self._find_all = compiled.search, compiled.match, compiled.finditer
        numbers = sorted((number, name.decode()) for name, number in compiled.groupindex.items())
        self.groups = [name for _, name in numbers]
        self._numbers = [number - 1 for number, _ in numbers]
        self._count = compiled.groups

    def fields(self, text: str) -> list[str | None] | None:
        """Return the values of the named groups where the pattern is found first, or `None` if it is not."""
        found = self._search(text.encode("utf-8", "replace"))
        if found is None:
            return None
        values = found.groups()
        return [_decoded(values[number]) for number in self._numbers]

    def is_in(self, text: str) -> bool:
        """Check whether the pattern is found anywhere in a text."""
        return self._search(text.encode("utf-8", "replace")) is not None

    def begins(self, text: str) -> bool:
        """Check whether a text begins with the pattern."""
        return self._match(text.encode("utf-8", "replace")) is not None

    def replacer(self, replacement: str) -> Callable[[bytes], bytes]:
        r"""Return a function that replaces all that the pattern finds in a text.

        Args:
            replacement: The new text, with `\1` or `\g<name>` for a group.

        Raises:
            ValueError: There is no such group.
        """
        for number, name in _REFERENCE.findall(replacement):
            if (number and int(number) > self._count) or (name and name not in self.groups and not name.isdigit()):
                raise ValueError(f"expected a replacement with groups of the pattern, got {replacement!r}")
        template = replacement.encode("utf-8", "replace")
        has_references = "\\" in replacement
        find_all = self._find_all

        def replace(text: bytes) -> bytes:
            pieces, end = list[bytes](), 0
            for number, found in enumerate(find_all(text)):
                pieces.append(text[end : found.start()])
                pieces.append(found.expand(template) if has_references else template)
                end = found.end()
                if number == MOST_REPLACEMENTS:
                    return b"".join(pieces)  # what is not searched is not sent
            return b"".join([*pieces, text[end:]]) if pieces else text

        return replace


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
