"""The `regex` stage: takes the named groups of a regular expression as fields."""

from __future__ import annotations

import re

from collectors.logs.stages.config import Context, Pattern, StageConfig, searched
from collectors.logs.stages.entries import Entries, Stage


class RegexConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r"""`{ regex = { pattern = '(?P<level>[A-Z]+): (?P<message>.*)' } }`.

    Attributes:
        pattern: What to search for; each named group becomes a field.
        field: Where the text is; empty for the line. Only its first 4,096 characters are searched.
    """

    pattern: Pattern
    field: str = ""

    def __post_init__(self) -> None:
        if not re.compile(self.pattern).groupindex:
            raise ValueError(f"expected a named group such as (?P<level>…) in the pattern, got {self.pattern!r}")

    def build(self, _context: Context) -> Stage:
        """The stage."""
        search = re.compile(self.pattern).search
        names = list(re.compile(self.pattern).groupindex)

        def regex(entries: Entries) -> None:
            found = [search(searched(text or "")) for text in entries.texts(self.field)]
            entries.missed["regex"] += found.count(None)
            for name in names:
                entries.fields[name] = [match and match[name] for match in found]

        return regex
