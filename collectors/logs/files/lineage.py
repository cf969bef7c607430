"""The files that stand under one path over time: the live one, and older ones that are not finished.

Owns the handling of every kind of rotation: the search for the old file, and for files that appeared and vanished
between two looks. Blocking: runs off the loop, one call at a time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import closing, suppress

import msgspec
import structlog

from collectors.logs.files.content import open_content
from collectors.logs.files.discovery import FileStatus
from collectors.logs.files.end_position import position_at_end
from collectors.logs.files.file_batch import FileBatch
from collectors.logs.files.generation import ContentChangedError, Generation, ReadLimits
from collectors.logs.files.names import shown
from collectors.logs.files.positions import Generations, Position
from collectors.logs.files.rewrite import Rewrite
from collectors.logs.files.rotated import Rotated, elsewhere, rotations
from collectors.logs.files.rotation_search import Owner, RotationSearch
from collectors.logs.history import NOTHING

log = structlog.get_logger()

_REMEMBERED = 8
"""The number of finished files to remember at least, to recognise copies of them."""


class Lineage:
    """The files under one path.

    Args:
        path: The path.
        known: Their acknowledged positions; empty for a new path.
        limits: The limits of reading.
        now_ns: The time of lines without a time in a file that is found now; Unix nanoseconds.
        owner: Returns the path of the log that a file belongs to.

    Attributes:
        generations: The unfinished files, oldest first.
        lost: The number of files that vanished before their end was sent.
        problem: The read error of an older file; empty if there is none.
        kept_inodes: The inodes of finished files that stand under other paths of the source.
    """

    def __init__(
        self,
        path: str,
        known: Generations,
        limits: ReadLimits,
        now_ns: int,
        owner: Owner = lambda _path, _status: None,
    ) -> None:
        self.path = path
        self.lost = 0
        self.problem = ""
        self.kept_inodes: frozenset[int] = frozenset()
        self._owner = owner
        self._foreign: tuple[int, int] | None = None
        self._rewrite = Rewrite(path)
        self._limits = limits
        self._now_ns = now_ns
        self._search = RotationSearch(path, owner)
        self._finished = [position for position in known if position.finished]
        unfinished = [position for position in known if not position.finished]
        last_sent = max((number for number, position in enumerate(unfinished) if position.begun), default=-1)
        self.generations = [
            Generation(
                path,
                position,
                limits,
                live=number == len(unfinished) - 1,
                resumed=number == last_sent and bool(position.clocks),
            )
            for number, position in enumerate(unfinished)
        ]
        self._unplaced = bool(unfinished[:-1])

    @property
    def known(self) -> Generations:
        """The positions to save."""
        return (*self._finished, *(generation.position for generation in self.generations))

    @property
    def behind(self) -> int:
        """The known number of bytes that are not acknowledged."""
        return sum(max(0, generation.size - generation.position.offset) for generation in list(self.generations))

    def begin(self, seen: FileStatus, named: Collection[str], *, at_end: bool) -> None:
        """Start with a path that is found for the first time.

        Args:
            seen: The file at the path.
            named: Rotated files to read before it.
            at_end: Skip the present content, and all rotated files.

        Raises:
            OSError: A file or folder is unreadable.
        """
        live = self._new(self.path, seen.inode, seen.modified_ns, live=True)
        self.generations = [live]
        if at_end:
            live.position = position_at_end(self.path, live.position)
            return
        if named:
            real = {os.path.realpath(path) for path in named}
            before = [file for file in rotations(self.path) if file.path in real and file.inode != seen.inode]
            self.generations[:0] = [self._new_before(file) for file in before]
        for generation in self.generations:
            with suppress(ContentChangedError):  # just replaced: the next read sees it
                generation.recognise()

    def position_of(self, inode: int) -> Position | None:
        """Return the position of the file with this inode, or `None`."""
        return next((position for position in self.known if position.inode == inode), None)

    def has_open(self, status: os.stat_result) -> bool:
        """Check whether the file with this status is open here."""
        return any(generation.is_open_on(status) for generation in self.generations)

    def release(self, inode: int) -> Position | None:
        """Forget the finished file with this inode and return its position; `None` if there is none."""
        found = next((position for position in self._finished if position.inode == inode), None)
        if found is not None:
            self._finished.remove(found)
        return found

    @property
    def is_open(self) -> bool:
        """True if the newest file is open."""
        return bool(self.generations) and self.generations[-1].is_open

    def hold(self) -> int:
        """Open the unread files and return the number of open ones."""
        with suppress(OSError):
            self._follow()
        for generation in list(self.generations):
            before = generation.position
            with suppress(ContentChangedError, OSError):  # the next read handles it
                generation.hold()
                self._insert_missed(before, generation)
        return sum(generation.is_open for generation in self.generations)

    def mark_recorded(self) -> None:
        """Record that the positions file contains the result of `begin`."""
        for generation in self.generations:
            generation.recorded = generation.position.head.length > 0

    def read(self, now_ns: int) -> FileBatch | None:
        """Return the next lines of the oldest file that has any.

        Args:
            now_ns: The time of lines without a time in files that are found now; Unix nanoseconds.

        Raises:
            OSError: A file is unreadable.
        """
        self._now_ns = now_ns
        if not any(generation.postponed for generation in self.generations):
            self.problem = ""
        self._follow()
        if self._unplaced:
            self._place()
        for generation in [it for it in self.generations if not it.postponed]:
            self._follow_on(generation)
            joined, waits = self._joined(generation)
            if joined is not None or waits:
                return joined
            work = self._read(generation)
            if work is not None:
                return work
            if generation.left:
                self._finish(generation)
        return None

    def look_again_after(self) -> float | None:
        """Return the seconds until the next read without a change; `None` for no such read."""
        if self._rewrite.look_again_after is not None:
            return self._rewrite.look_again_after
        if any(generation.has_rest for generation in self.generations):
            return self._limits.flush_after
        waiting = len(self.generations) > 1 or any(generation.deleted for generation in self.generations)
        return self._limits.linger if waiting else None

    def close_named(self) -> None:
        """Close the files that still have a name and can be opened again."""
        for generation in self.generations:
            if not generation.deleted:
                generation.close()

    def close(self) -> None:
        """Close all files."""
        for generation in self.generations:
            generation.close()

    def _follow_on(self, generation: Generation) -> None:
        """Pass the newest entries of the file before on, as both are one stream for Loki."""
        before = [*self._finished, *(it.position for it in self.generations[: self.generations.index(generation)])]
        if before:
            generation.follow(before[-1])

    def _joined(self, generation: Generation) -> tuple[FileBatch | None, bool]:
        """Return the open entry at the end of a replaced file with the lines of the next file.

        The second value is True if the next file may still grow and the entry must wait for it.
        """
        after = self.generations[self.generations.index(generation) + 1 :][:1]
        if generation.live or not after or after[0].postponed:
            return None, False
        try:
            rest = generation.held_back()
            if rest is None:
                return None, False
            rest.after = after[0].read()
            if rest.after is None and (held_back := after[0].held_back()):
                if not after[0].ended:
                    return None, True
                rest.after = held_back
                held_back.final = True
        except (ContentChangedError, OSError):
            return None, False  # reading each file alone handles it
        if rest.after is None:
            return None, False
        rest.final = rest.after.final
        return rest, False

    def _read(self, generation: Generation) -> FileBatch | None:
        before = generation.position
        try:
            work = generation.read()
        except ContentChangedError:
            if generation.live and self._rewrite.is_under_way(generation.position):
                generation.close()
                return None
            self._replaced(generation)
        except FileNotFoundError:
            if not self._find_again(generation):
                return None
        except OSError as error:
            if generation.live:
                raise
            # An unreadable older file must not block the later ones.
            self.problem = f"{generation.path}: {error.strerror or error}"
            generation.postpone()
            return None
        else:
            if generation.live:
                self._rewrite.end()
            if not self._insert_missed(before, generation):
                return work
        return self.read(self._now_ns)

    def _find_again(self, generation: Generation) -> bool:
        """Search a file that left its path; return whether there is something to read now."""
        if not os.path.isdir(os.path.dirname(os.path.realpath(self.path))):
            return False  # its file system is not mounted
        if generation.live:
            return self._move(generation)
        self._replaced(generation)
        return True

    def _insert_missed(self, before: Position, generation: Generation) -> bool:
        """Insert files that were written and rotated since the live file was seen empty."""
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
        """Check whether another file stands under the path."""
        try:
            status = os.stat(self.path)
        except OSError:
            return  # gone for now: open files are still read
        live = self.generations[-1] if self.generations else None
        if live is not None and not live.live:
            live = None
        if not stat.S_ISREG(status.st_mode) or (live is not None and live.is_at(status)):
            return
        if self._is_foreign(status):
            if live is not None:
                live.retire()
            return
        if live is None:
            self.generations.append(self._new_live(status))
            return
        self._succeed(live, status, intact=live.is_open)

    def _is_foreign(self, status: os.stat_result) -> bool:
        """Check whether another log was renamed to this path: its own lineage reads it to its end."""
        this = (status.st_dev, status.st_ino)
        if self._foreign != this:
            self._foreign = this if self._owner(self.path, status) else None
        return self._foreign is not None

    def _replaced(self, generation: Generation) -> None:
        """Handle changed content: the rest of the old file is elsewhere, and the content here is new."""
        status = os.stat(self.path) if generation.live else None
        place = self.generations.index(generation)
        rewritten = self._rewritten(generation, status)
        generation.close()
        try:
            if status is not None:
                self._succeed(generation, status, intact=False)
            elif not self._move(generation):
                self._lose(generation)
        except OSError:
            if rewritten is not None:
                rewritten.close()
            raise
        if rewritten is None:
            return
        if generation.live:
            rewritten.close()  # the file at the path continues the old one
            return
        self.generations.insert(place + (generation in self.generations), rewritten)

    def _rewritten(self, generation: Generation, status: os.stat_result | None) -> Generation | None:
        """Return a generation for the new content of a file that was truncated and then renamed.

        Args:
            generation: The generation of the old content.
            status: The status of the file at the path; `None` if another file was there already.
        """
        own = generation.status
        if own is None or (status is not None and generation.is_at(status)):
            return None
        if any(other is not generation and other.position.inode == own.st_ino for other in self.generations):
            return None
        new = generation.rewritten(self._new_position(own.st_ino, own.st_mtime_ns))
        with suppress(ContentChangedError, OSError):
            new.recognise()
        return new

    def _succeed(self, old: Generation, status: os.stat_result, *, intact: bool) -> None:
        """Append the file at the path after `old` and after all files in between."""
        if self._continues(old, status):
            old.close()
            old.position = msgspec.structs.replace(old.position, inode=status.st_ino)
            return
        old.retire()
        since_ns = old.position.modified_ns
        found = intact or self._move(old)
        if found:
            with suppress(ContentChangedError, OSError):  # just moved: the next read sees it
                old.recognise()  # includes the last writes, so that it is recognised later
        after = self._between(since_ns, (old.position, *self.known), status.st_ino)
        if not found:
            self._lose(old)
        self.generations += [*after, self._new_live(status)]
        self._forget_finished()

    def _continues(self, old: Generation, status: os.stat_result) -> bool:
        """Check whether a new file begins with all that was read of the deleted one, as after rsync or an editor."""
        if not old.position.head.length or old.position.inode == status.st_ino or not self._is_deleted(old):
            return False
        try:
            with closing(open_content(self.path)) as content:
                return old.is_beginning_of(content)
        except OSError:
            return False

    def _is_deleted(self, old: Generation) -> bool:
        """Check whether no file of this inode is left, apart from an editor's backup."""
        if old.is_open:
            return old.is_gone or self._only_backup(old)
        return self._only_backup(old)

    def _only_backup(self, old: Generation) -> bool:
        inode = old.position.inode
        files = [*self._search.rotations(), *elsewhere(self.path, inode)]
        same = [file for file in files if file.inode == inode]
        return all(file.path.endswith("~") for file in same) and (bool(same) or not old.is_open)

    def _between(self, since_ns: int, known: Generations, live_inode: int) -> list[Generation]:
        """Return the files that stood under the path between a known one and the live one."""
        files = self._search.rotations()
        while True:
            newer = [file for file in files if file.inode != live_inode and file.modified_ns >= since_ns]
            new = self._unseen(newer, known)
            before, files = files, self._search.rotations()
            if files == before:
                return new  # no rename happened during the search

    def _unseen(self, files: list[Rotated], known: Generations) -> list[Generation]:
        """Return those of the files with unknown content."""
        new = [self._new_before(file) for file in self._search.unknown(files, known)]
        for generation in new:
            with suppress(ContentChangedError, OSError):  # just moved, or unreadable
                generation.recognise()
        return new

    def _place(self) -> None:
        """Find the files that were unfinished before a restart."""
        self._unplaced = False
        for generation in self.generations[:-1]:
            if not self._move(generation):
                self._lose(generation)

    def _move(self, generation: Generation) -> bool:
        """Find the present path of a file; return whether it was found."""
        found = self._search.find(generation.position, self.known)
        if found is None:
            return False
        generation.close()
        generation.path = found.path
        generation.position = msgspec.structs.replace(generation.position, inode=found.inode)
        return True

    def _lose(self, generation: Generation) -> None:
        generation.close()
        self.generations.remove(generation)
        if generation.position.head.length:
            self.lost += 1
            log.warning(
                "log file vanished before its end was sent",
                path=shown(self.path),
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
        inodes = {file.inode for file in self._search.rotations()} | self.kept_inodes
        old = [position for position in self._finished[:-_REMEMBERED] if position.inode in inodes]
        self._finished = old + self._finished[-_REMEMBERED:]

    def _new_before(self, file: Rotated) -> Generation:
        return self._new(file.path, file.inode, file.modified_ns, live=False)

    def _new_live(self, status: os.stat_result) -> Generation:
        return self._new(self.path, status.st_ino, status.st_mtime_ns, live=True)

    def _new(self, path: str, inode: int, modified_ns: int, *, live: bool) -> Generation:
        return Generation(path, self._new_position(inode, modified_ns), self._limits, live=live)

    def _new_position(self, inode: int, modified_ns: int) -> Position:
        return Position(inode, clocks=((0, self._now_ns),), modified_ns=modified_ns)
