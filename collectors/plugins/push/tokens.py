"""The tokens of apps that push, each of which stands for one plugin.

Only digests are kept, so that no comparison depends on a token's characters and no dump of memory holds a token.
"""

from __future__ import annotations

import hashlib
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path

from collectors import regular_file
from collectors.findings import Finding, Severity

SHORTEST = 32
"""The shortest token in characters. A random one cannot be guessed, so no caller has to be locked out."""

_MAX_BYTES = 64 << 10


class TokenError(ValueError):
    """The files of tokens are unusable. The text names a file, never its content."""


class Tokens:
    """The tokens of all plugins.

    Args:
        files: The file with the tokens of each plugin.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {plugin: Path(name).expanduser() for plugin, name in files.items()}
        self._plugins: dict[bytes, str] = {}
        self.problem = ""
        """The reason why the last reading was refused; empty if it was not."""

    def read(self) -> None:
        """Read the files again. Blocks on the disk.

        Raises:
            TokenError: A file is unusable. The earlier tokens stay in effect.
        """
        plugins: dict[bytes, str] = {}
        for plugin, path in self._files.items():
            for token in _tokens(plugin, path):
                if plugins.setdefault(_digest(token), plugin) != plugin:
                    raise TokenError(f"push.token_files.{plugin}: {path} has a token of another plugin")
        self._plugins = plugins

    def refresh(self) -> None:
        """Read the files again, and keep the problem instead of raising it. Blocks on the disk."""
        try:
            self.read()
            self.problem = ""
        except TokenError as error:
            self.problem = str(error)

    def plugin(self, token: str) -> str | None:
        """Return the plugin that a caller with this token may push for; None for an unknown token."""
        return self._plugins.get(_digest(token))

    def findings(self) -> list[Finding]:
        """Return the findings about the files. Blocks on the disk."""
        refused = [_refused(self.problem)] if self.problem else []
        modes = [(path, _mode(path)) for path in self._files.values()]
        return [*refused, *(_readable(path, mode) for path, mode in modes if mode & (stat.S_IROTH | stat.S_IWOTH))]


def _tokens(plugin: str, path: Path) -> list[str]:
    try:
        lines = regular_file.read(path, _MAX_BYTES).decode("ascii").split()
    except UnicodeDecodeError as error:
        raise TokenError(f"push.token_files.{plugin}: expected ASCII in {path}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TokenError(f"push.token_files.{plugin}: {path} cannot be read: {reason}") from error
    if not lines or any(len(line) < SHORTEST for line in lines):
        raise TokenError(
            f"push.token_files.{plugin}: expected tokens of at least {SHORTEST} characters in {path}, one a line; "
            "make one with openssl rand -hex 32"
        )
    return lines


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _mode(path: Path) -> int:
    """Return the mode of a file; 0 if it cannot be inspected, which the next reading refuses."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _refused(problem: str) -> Finding:
    return Finding(
        code="plugins-push-tokens-refused",
        title="The tokens of apps that push are unusable",
        severity=Severity.FAILURE,
        detail=f"A changed file is refused: {problem}",
        affects="The previous tokens stay in effect; a restart of the agent would fail.",
        remedy=("wr-agent check-config", "The agent reads the files again at each interval."),
    )


def _readable(path: Path, mode: int) -> Finding:
    return Finding(
        code="plugins-push-token-readable",
        title="All users of this machine can access a token for pushes",
        severity=Severity.WARNING,
        detail=f"The mode of {path} is {stat.filemode(mode)}; expected no access for others.",
        affects="With the token, a user can push metrics in the name of the plugin.",
        remedy=(f"chmod o= {shlex.quote(str(path))}",),
    )
