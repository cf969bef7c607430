"""The project's documents and example configuration, which a wheel carries next to the code."""

from __future__ import annotations

from pathlib import Path

_CODE = Path(__file__).parent


def shared(name: str) -> Path:
    """Return the path of a file such as `docs/logs.md` or `config.example.toml`: in the wheel, else in the checkout."""
    packaged = _CODE / "share" / name
    return packaged if packaged.exists() else _CODE.parent / name
