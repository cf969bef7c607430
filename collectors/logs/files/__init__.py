"""Log files: discovery, recognition by content, rotations, and reading up to the acknowledged position."""
