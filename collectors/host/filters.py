"""A selection of names by two regular expressions."""

from __future__ import annotations

import re

import msgspec


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A filter that keeps the names in which `include` is found, without those in which `exclude` is.

    Attributes:
        include: The names to keep; all if empty.
        exclude: The names to leave out of those; none if empty.
    """

    include: str = ""
    exclude: str = ""

    def __post_init__(self) -> None:
        """Compile both expressions.

        Raises:
            ValueError: One of them is no regular expression.
        """
        for key, expression in (("include", self.include), ("exclude", self.exclude)):
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"expected a regular expression as {key}, got {expression!r}: {error}") from error

    def keeps(self, name: str) -> bool:
        """Return True if this name is kept."""
        return bool(re.search(self.include, name)) and not (self.exclude and re.search(self.exclude, name))
