"""The commands that a document has its reader type."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_WHERE_AND_AS_WHOM = re.compile(r"^(?:ssh HOST )?(?:sudo (?:-u \w+ )?)?")


def commands(document: Path) -> list[list[str]]:
    """Return the words of each command in its shell blocks, without its machine and its user.

    Raises:
        ValueError: A shell could not split one into words.
    """
    lines = [line for block in _BLOCK.findall(document.read_text()) for line in block.splitlines()]
    return [shlex.split(_WHERE_AND_AS_WHOM.sub("", line), comments=True) for line in lines if line]
