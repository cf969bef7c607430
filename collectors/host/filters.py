"""What a user keeps and leaves out by name: two regular expressions."""

from __future__ import annotations

import re

import msgspec


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keeps the names in which `include` is found, without those in which `exclude` is.

    Attributes:
        include: What is kept; everything, if empty.
        exclude: What of that is left out; nothing, if empty.
    """

    include: str = ""
    exclude: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no expression.

        Raises:
            ValueError: With the expression and what is wrong with it.
        """
        for key, expression in (("include", self.include), ("exclude", self.exclude)):
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"expected a regular expression as {key}, got {expression!r}: {error}") from error

    def keeps(self, name: str) -> bool:
        """Whether this name is kept."""
        return bool(re.search(self.include, name)) and not (self.exclude and re.search(self.exclude, name))
