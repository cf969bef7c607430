"""The files that stand under one path one after another: the live one, and those before it that are not finished.

Owns what happens at a rotation, however it was done: what the old file became, and what came and went between two
looks. Blocking: runs off the loop, never twice at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import suppress

import msgspec
import structlog

from collectors.logs.files.content import PlainContent, open_content
from collectors.logs.files.discovery import Seen
from collectors.logs.files.generation import ContentChangedError, Generation, Limits, Work
from collectors.logs.files.identity import HEAD_BYTES, TAIL_BYTES, fingerprint
from collectors.logs.files.positions import Generations, Position
from collectors.logs.files.rotated import Rotated, elsewhere, find, rotations
from collectors.logs.recent import NOTHING

log = structlog.get_logger()

_REMEMBERED = 8
"""How many finished files are remembered at least, so that copies of them are recognised."""


class Lineage:
    """The files under one path.

    Args:
        path: The path, whatever file stands there.
        known: What was acknowledged of them before; empty for a path that is new.
        limits: How they are read.
        now_ns: The time of lines that have none, of a file that is found now; Unix nanoseconds.

    Attributes:
        generations: Those that are still to be read, oldest first.
        lost: How often the rest of a file could not be found again.
        problem: Why an older file cannot be read now; empty if all can.
    """

    def __init__(self, path: str, known: Generations, limits: Limits, now_ns: int) -> None:
        self.path = path
        self.lost = 0
        self.problem = ""
        self._limits = limits
        self._now_ns = now_ns
        self._folders: set[str] = set()
        self._finished = [position for position in known if position.finished]
        unfinished = [position for position in known if not position.finished]
        self.generations = [Generation(path, position, limits, live=False) for position in unfinished[:-1]]
        self.generations += [Generation(path, position, limits, live=True) for position in unfinished[-1:]]
        self._unplaced = bool(unfinished[:-1])

    @property
    def known(self) -> Generations:
        """What is to be remembered of them."""
        return (*self._finished, *(generation.position for generation in self.generations))

    @property
    def behind(self) -> int:
        """Bytes that are not acknowledged, as far as is known."""
        return sum(max(0, generation.size - generation.position.offset) for generation in list(self.generations))

    def begin(self, seen: Seen, named: Collection[str], *, at_end: bool) -> None:
        """Take what is there when a path is first seen.

        Args:
            seen: The file at the path.
            named: Rotated files that are to be read before it.
            at_end: Take only what is written from now on, of the file at the path alone.

        Raises:
            OSError: They cannot be looked at, or the file not be read.
        """
        live = self._new(self.path, seen.inode, seen.modified_ns, live=True)
        self.generations = [live]
        if at_end:
            live.position = _end_of(self.path, live.position)
            return
        if named:
            real = {os.path.realpath(path) for path in named}
            before = [file for file in rotations(self.path) if file.path in real and file.inode != seen.inode]
            self.generations[:0] = [self._new_before(file) for file in before]
        for generation in self.generations:
            with suppress(ContentChangedError):  # replaced in this moment, which reading will see
                generation.recognise()

    def mark_recorded(self) -> None:
        """Take note that the positions file has what `begin` found."""
        for generation in self.generations:
            generation.recorded = generation.position.head.length > 0

    def read(self, now_ns: int) -> Work | None:
        """The next lines of the oldest file that has any.

        Args:
            now_ns: The time of lines that have none, of files that are found now; Unix nanoseconds.

        Raises:
            OSError: A file cannot be read.
        """
        self._now_ns = now_ns
        if not any(generation.postponed for generation in self.generations):
            self.problem = ""
        self._follow()
        if self._unplaced:
            self._place()
        for generation in [it for it in self.generations if not it.postponed]:
            self._follow_on(generation)
            work = self._read(generation)
            if work is not None:
                return work
            if generation.left:
                self._finish(generation)
        return None

    def look_again_after(self) -> float | None:
        """Seconds until something is to be done even if nothing changes; `None` if nothing is."""
        if any(generation.has_rest for generation in self.generations):
            return self._limits.flush_after
        waiting = len(self.generations) > 1 or any(generation.deleted for generation in self.generations)
        return self._limits.linger if waiting else None

    def close_named(self) -> None:
        """Give back the descriptors of the files that have a name, which can be opened again."""
        for generation in self.generations:
            if not generation.deleted:
                generation.close()

    def close(self) -> None:
        """Give all descriptors back."""
        for generation in self.generations:
            generation.close()

    def _follow_on(self, generation: Generation) -> None:
        """Let a file begin where the one before it ended, which Loki takes for the same stream."""
        before = [*self._finished, *(it.position for it in self.generations[: self.generations.index(generation)])]
        if before:
            generation.follow(before[-1])

    def _read(self, generation: Generation) -> Work | None:
        before = generation.position
        try:
            work = generation.read()
        except ContentChangedError:
            self._replaced(generation)
        except FileNotFoundError:
            if not self._find_again(generation):
                return None
        except OSError as error:
            if generation.live:
                raise
            # An older file that cannot be read must not hold up those after it.
            self.problem = f"{generation.path}: {error.strerror or error}"
            generation.postpone()
            return None
        else:
            if not self._insert_missed(before, generation):
                return work
        return self.read(self._now_ns)

    def _find_again(self, generation: Generation) -> bool:
        """Look for a file that is not where it was; whether there is something to be read now."""
        if not os.path.isdir(os.path.dirname(os.path.realpath(self.path))):
            return False  # its file system is away
        if generation.live:
            return self._move(generation)
        self._replaced(generation)
        return True

    def _insert_missed(self, before: Position, generation: Generation) -> bool:
        """Before a live file that was empty at the last look, put what was written and rotated away since."""
        now = generation.position
        if (
            not generation.live
            or before.head.length
            or (now.head, now.modified_ns) == (before.head, before.modified_ns)
        ):
            return False
        missed = self._between(before.modified_ns, (before, *self.known), generation.position.inode)
        self.generations[-1:-1] = missed
        return bool(missed)

    def _follow(self) -> None:
        """See whether another file stands under the path."""
        try:
            status = os.stat(self.path)
        except OSError:
            return  # gone for now: what is open is read on
        live = self.generations[-1] if self.generations else None
        if not stat.S_ISREG(status.st_mode) or (live is not None and live.is_at(status)):
            return
        if live is None:
            self.generations.append(self._new_live(status))
            return
        self._succeed(live, status, intact=live.is_open)

    def _replaced(self, generation: Generation) -> None:
        """The content of a file is not what was read any more: its rest is elsewhere, and what is here is new."""
        generation.close()
        if generation.live:
            self._succeed(generation, os.stat(self.path), intact=False)
        elif not self._move(generation):
            self._lose(generation)

    def _succeed(self, old: Generation, status: os.stat_result, *, intact: bool) -> None:
        """Let the file at the path follow `old`, after all that was there meanwhile."""
        old.retire()
        since_ns = old.position.modified_ns
        found = intact or self._move(old)
        if found:
            with suppress(ContentChangedError, OSError):  # gone or moved in this moment, which reading will see
                old.recognise()  # by what was written since the last look, so that it is not taken for another file
        after = self._between(since_ns, (old.position, *self.known), status.st_ino)
        if not found:
            self._lose(old)
        self.generations += [*after, self._new_live(status)]
        self._forget_finished()

    def _between(self, since_ns: int, known: Generations, live_inode: int) -> list[Generation]:
        """The files that were under the path after a known one was last looked at and before the live one."""
        files = self._rotations()
        while True:
            newer = [file for file in files if file.inode != live_inode and file.modified_ns >= since_ns]
            new = self._unseen(newer, known)
            before, files = files, self._rotations()
            if files == before:
                return new  # looked through while nothing was renamed

    def _unseen(self, files: list[Rotated], known: Generations) -> list[Generation]:
        """Those of the files whose content is not known."""
        new = [self._new_before(file) for file in files if not any(find(position, [file]) for position in known)]
        for generation in new:
            with suppress(ContentChangedError, OSError):  # gone or moved in this moment, or not to be read
                generation.recognise()
        return new

    def _place(self) -> None:
        """Find the files again that were not finished before a restart."""
        self._unplaced = False
        for generation in self.generations[:-1]:
            if not self._move(generation):
                self._lose(generation)

    def _move(self, generation: Generation) -> bool:
        """Read the rest of a file where it is now; whether it was found."""
        files: list[Rotated] = []
        found = None
        while found is None:
            before, files = files, self._rotations()
            if files == before:  # looked through while nothing was renamed
                break
            found = find(generation.position, self._candidates(generation, files))
        if found is None and generation.position.head.length:
            found = find(generation.position, elsewhere(self.path, generation.position.inode))
        if found is None:
            return False
        self._folders.add(os.path.dirname(found.path))
        generation.close()
        generation.path = found.path
        generation.position = msgspec.structs.replace(generation.position, inode=found.inode)
        return True

    def _candidates(self, generation: Generation, files: list[Rotated]) -> list[Rotated]:
        """The files that may be a generation's: one that was empty is known by its inode alone, which is used again."""
        if generation.position.head.length:
            return files
        others = [position for position in self.known if position.head.length]
        return [file for file in files if not any(find(position, [file]) for position in others)]

    def _lose(self, generation: Generation) -> None:
        generation.close()
        self.generations.remove(generation)
        if generation.position.head.length:
            self.lost += 1
            log.warning(
                "a log file is gone before it was seen to its end",
                path=self.path,
                inode=generation.position.inode,
                sent_bytes=generation.position.offset,
            )

    def _finish(self, generation: Generation) -> None:
        generation.close()
        self.generations.remove(generation)
        if generation.position.head.length:
            before = [msgspec.structs.replace(position, recent=NOTHING) for position in self._finished]
            self._finished = [*before, msgspec.structs.replace(generation.position, finished=True, clocks=())]

    def _forget_finished(self) -> None:
        inodes = {file.inode for file in self._rotations()}
        old = [position for position in self._finished[:-_REMEMBERED] if position.inode in inodes]
        self._finished = old + self._finished[-_REMEMBERED:]

    def _rotations(self) -> list[Rotated]:
        """The rotated files; none in a folder that may not be listed.

        Raises:
            OSError: The folder is away, so that nobody knows.
        """
        try:
            return rotations(self.path, self._folders)
        except PermissionError:
            return []

    def _new_before(self, file: Rotated) -> Generation:
        return self._new(file.path, file.inode, file.modified_ns, live=False)

    def _new_live(self, status: os.stat_result) -> Generation:
        return self._new(self.path, status.st_ino, status.st_mtime_ns, live=True)

    def _new(self, path: str, inode: int, modified_ns: int, *, live: bool) -> Generation:
        position = Position(inode, clocks=((0, self._now_ns),), modified_ns=modified_ns)
        return Generation(path, position, self._limits, live=live)


def _end_of(path: str, position: Position) -> Position:
    """The position at the end of a file."""
    content = open_content(path)
    try:
        assert isinstance(content, PlainContent)  # noqa: S101 - discovery leaves compressed files out
        size = content.stat().st_size
        start = max(0, size - TAIL_BYTES)
        return msgspec.structs.replace(
            position,
            offset=size,
            head=fingerprint(content.read(0, min(size, HEAD_BYTES))),
            tail=fingerprint(content.read(start, size - start)),
            clocks=((size, position.clocks[0][1]),),
        )
    finally:
        content.close()
