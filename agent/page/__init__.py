"""The status page at `/`: its files, and what a browser may do for them.

What it shows comes from `/-/events`. The files are plain HTML, CSS and JavaScript, served as they are.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Everything comes from the agent itself, and nothing that stands in the page's text is run."""

CONTENT_TYPES = MappingProxyType(
    {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
)
"""By the ending of a file's name."""

FILES = MappingProxyType(
    {path.name: path.read_bytes() for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in CONTENT_TYPES}
)
"""The page's files by name; `index.html` is the page."""
