"""The bytes of one file by offset: plain files as stored, compressed files decompressed.

The standard library reads gzip, bzip2 and xz. The command `zstd` reads zstd files.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import subprocess
import zlib
from collections.abc import Callable
from typing import Protocol

from collectors.child_process import ending
from collectors.logs.files.encodings import SNIFFED_BYTES, Transcoder, wide_encoding
from collectors.plain_errors import plain_text

_STEP = 1 << 18


class Content(Protocol):
    """A file that is readable at any offset."""

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""
        ...

    def close(self) -> None:
        """Close the descriptor."""
        ...


class PlainContent:
    """A regular file, read at offsets. UTF-16 is read as UTF-8, at offsets in the UTF-8 text.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        self._text: _Text | None = None
        if not stat.S_ISREG(self.stat().st_mode):
            self.close()
            raise OSError(f"{path} is no regular file")
        self._sniff(os.pread(self._descriptor, SNIFFED_BYTES, 0))

    def stat(self) -> os.stat_result:
        """Return size, inode and times of the open file, also after a rename or deletion."""
        return os.fstat(self._descriptor)

    @property
    def size(self) -> int:
        """The size in bytes; for UTF-16 an estimate of the size in UTF-8."""
        size = self.stat().st_size
        return size if self._text is None else self._text.size(size)

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end."""
        if self._text is None:
            data = os.pread(self._descriptor, size, offset)
            if offset or not self._sniff(data[:SNIFFED_BYTES]):
                return data
        assert self._text is not None  # noqa: S101 - sniffed
        return self._text.read(offset, size, self.stat().st_size)

    def next_data(self, offset: int) -> int:
        """Return the first offset at or after this one outside a hole; the same one if unknown."""
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA) if self._text is None else offset
        except OSError:
            return offset

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)

    def _sniff(self, head: bytes) -> bool:
        """Check whether the file is UTF-16, which it may become while it is empty."""
        codec = wide_encoding(head)
        if codec:
            self._text = _Text(self._descriptor, codec)
        return bool(codec)


class _Text:
    """The text of a UTF-16 file in UTF-8, converted from its beginning as far as it is read."""

    def __init__(self, descriptor: int, codec: str) -> None:
        self._descriptor = descriptor
        self._codec = codec
        self._window = b""
        self._start = 0
        self._raw = 0
        self._transcoder = Transcoder(codec)

    def size(self, file_size: int) -> int:
        """Return the size in UTF-8, estimated behind the converted part."""
        return self._start + len(self._window) + max(0, file_size - self._raw) // 2

    def read(self, offset: int, size: int, file_size: int) -> bytes:
        """Return up to `size` bytes at an offset in UTF-8."""
        if offset < self._start or file_size < self._raw:
            self._restart()
        while True:
            skip = min(offset - self._start, len(self._window))
            self._window = self._window[skip:]
            self._start += skip
            data = b"" if len(self._window) >= size else os.pread(self._descriptor, _STEP, self._raw)
            if not data:
                return self._window[:size] if self._start == offset else b""
            self._raw += len(data)
            self._window += self._transcoder.convert(data)

    def _restart(self) -> None:
        self._window, self._start, self._raw = b"", 0, 0
        self._transcoder = Transcoder(self._codec)


class _Stream(Protocol):
    """A decompressor that reads a file from its beginning."""

    def read1(self, size: int, /) -> bytes:
        """Return available bytes, up to `size`; nothing at the end."""
        ...

    def close(self) -> object: ...


class CompressedContent:
    """A compressed file, decompressed from its beginning as far as it is read.

    Attributes:
        damage: The error that ended the last read early; empty if there was none.

    Raises:
        OSError: It cannot be opened, or the command for its format is missing.
    """

    def __init__(self, path: str) -> None:
        self.damage = ""
        self._path = path
        self._stream: _Stream | None = None
        self._start = 0
        self._window = b""
        self._transcoder: Transcoder | None = None

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes; fewer only at the end, or whole lines before damage.

        Raises:
            OSError: The file is damaged or incomplete before the offset.
        """
        self.damage = ""
        if self._stream is None or offset < self._start:
            self.close()
            self._start, self._window, self._transcoder = 0, b"", None
            self._stream = _OPENERS[os.path.splitext(self._path)[1]](self._path)
        try:
            self._forward(self._stream, offset, size)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            self.close()  # a later read may find it complete
            self.damage = f"cannot be decompressed: {plain_text(error)}"
            if self._start != offset:
                raise OSError(self.damage) from error
            return self._window[: self._window.rfind(b"\n") + 1]
        return self._window[:size]

    def close(self) -> None:
        """Close the descriptor."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _forward(self, stream: _Stream, offset: int, size: int) -> None:
        """Move the window to `offset` and fill it with `size` bytes, or with the rest."""
        while True:
            skip = min(offset - self._start, len(self._window))
            self._window = self._window[skip:]
            self._start += skip
            if self._start == offset and len(self._window) >= size:
                return
            step = stream.read1(_STEP)
            if not step:
                return
            if not self._start and not self._window and (codec := wide_encoding(step[:SNIFFED_BYTES])):
                self._transcoder = Transcoder(codec)
            self._window += self._transcoder.convert(step) if self._transcoder else step


class _Zstd:
    """The output of `zstd -dc`."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - no shell, and the path follows `--`
            ["zstd", "-dcq", "--", path],  # noqa: S607 - found by PATH
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None  # noqa: S101 - stdout=PIPE
        self._output = self._process.stdout.fileno()

    def read1(self, size: int) -> bytes:
        data = os.read(self._output, size)
        if not data and self._process.wait() != 0:
            raise EOFError(f"zstd ended with {ending(self._process.returncode)}")
        return data

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.communicate()


_OPENERS: dict[str, Callable[[str], _Stream]] = {
    ".bz2": bz2.BZ2File,
    ".gz": gzip.GzipFile,
    ".xz": lzma.LZMAFile,
    ".zst": _Zstd,
}


def is_compressed(path: str) -> bool:
    """Check whether the name has the extension of a compressed file."""
    return os.path.splitext(path)[1] in _OPENERS


def uncompressed_name(name: str) -> str:
    """Return the name without the extension of a compressed file."""
    return os.path.splitext(name)[0] if is_compressed(name) else name


def open_content(path: str) -> Content:
    """Open a file, decompressed if its name has such an extension.

    Raises:
        OSError: It cannot be opened.
    """
    return CompressedContent(path) if is_compressed(path) else PlainContent(path)
