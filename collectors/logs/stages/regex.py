"""The `regex` stage: takes the named groups of a regular expression as fields."""

from __future__ import annotations

from collectors.logs.stages.config import Context, StageConfig, searched
from collectors.logs.stages.entries import Entries, Stage
from collectors.logs.stages.patterns import Pattern


class RegexConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r"""`{ regex = { pattern = '(?P<level>[A-Z]+): (?P<message>.*)' } }`.

    Attributes:
        pattern: The pattern to search for. Each named group becomes a field.
        field: The field to search, or the line if empty. Only its first 4,096 characters are searched.
    """

    pattern: Pattern
    field: str = ""

    def __post_init__(self) -> None:
        if not Pattern(self.pattern).compile().groups:
            raise ValueError(f"expected a named group such as (?P<level>…) in the pattern, got {self.pattern!r}")

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        matcher = Pattern(self.pattern).compile()
        fields, names = matcher.fields, matcher.groups
        nothing: list[str | None] = [None] * len(names)

        def regex(entries: Entries) -> None:
            found = [fields(searched(text or "")) for text in entries.texts(self.field)]
            entries.missed["regex"] += found.count(None)
            rows = [values or nothing for values in found]
            for number, name in enumerate(names):
                entries.fields[name] = [values[number] for values in rows]

        return regex
