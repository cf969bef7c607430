"""The files of the status page at `/`, and its content security policy.

Its data comes from `/-/events`. The files are plain HTML, CSS and JavaScript, served as they are.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The policy: all content comes from the agent, and no inline script runs."""

CONTENT_TYPES = MappingProxyType(
    {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
)
"""The content types, by file name suffix."""

FILES = MappingProxyType(
    {path.name: path.read_bytes() for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in CONTENT_TYPES}
)
"""The page's files by name; `index.html` is the page."""
