import gzip
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from collectors.logs.files import rotation_search
from collectors.logs.files.discovery import FileStatus
from collectors.logs.files.generation import ReadLimits
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.positions import Position
from collectors.logs.files.rotated import Rotated, rotations
from collectors.logs.history import NOTHING
from collectors.logs.records import Batch

NOW = 1795321418_000000000


def begun(log: Path) -> Lineage:
    lineage = Lineage(str(log), (), ReadLimits(), NOW)
    status = log.stat()
    lineage.begin(FileStatus(status.st_ino, status.st_size, status.st_mtime_ns), (), at_end=False)
    return lineage


def read(lineage: Lineage) -> list[bytes]:
    lines: list[bytes] = []
    while (work := lineage.read(NOW)) is not None:
        lines += work.lines
        work.acknowledge(len(work.lines), NOTHING)
    return lines


def times(log: Path, batch_bytes: int) -> list[tuple[bytes, int]]:
    """Each line with its time, when so many bytes are read at once."""
    lineage = Lineage(str(log), (), ReadLimits(batch_bytes=batch_bytes), NOW)
    status = log.stat()
    lineage.begin(FileStatus(status.st_ino, status.st_size, status.st_mtime_ns), (), at_end=False)
    found: list[tuple[bytes, int]] = []
    while (work := lineage.read(NOW)) is not None:
        batch = Batch("s", work.cut.lines, work.read_ns, {}, untidy=work.cut.untidy)
        found += zip(batch.texts, batch.times, strict=True)
        work.acknowledge(len(batch.lines), NOTHING)
    lineage.close()
    return found


def compress(plain: Path, compressed: Path) -> None:
    times = plain.stat()
    compressed.write_bytes(gzip.compress(plain.read_bytes()))
    os.utime(compressed, ns=(times.st_atime_ns, times.st_mtime_ns))
    plain.unlink()


@pytest.fixture
def log(logs: Path) -> Path:
    return logs / "app.log"


def test_what_was_open_and_not_read_is_not_another_file_once_compressed(log: Path) -> None:
    log.touch()
    lineage = begun(log)
    assert read(lineage) == []

    log.write_bytes(b"1\n2\n")
    compress(log, log.with_name("app.log.1.gz"))
    log.write_bytes(b"3\n")

    assert read(lineage) == [b"1", b"2", b"3"]
    lineage.close()


def test_a_truncated_file_is_read_once_if_its_path_is_free_for_a_moment(log: Path) -> None:
    log.write_bytes(b"1\n2\n")
    lineage = begun(log)
    assert read(lineage) == [b"1", b"2"]

    log.with_name("app.log.2").write_bytes(log.read_bytes())
    log.write_bytes(b"3\n")
    log.rename(log.with_name("app.1.log"))
    with pytest.raises(FileNotFoundError):
        read(lineage)
    log.write_bytes(b"4\n")

    assert read(lineage) == [b"3", b"4"]
    assert [generation.live for generation in lineage.generations].count(True) == 1
    lineage.close()


@pytest.mark.parametrize("batch_bytes", [40, 64, 200])
def test_lines_behind_nuls_have_one_time_in_whatever_batches_they_are_read(log: Path, batch_bytes: int) -> None:
    log.write_bytes(b"".join(b"line %d\n%s" % (number, bytes(7 * (number % 5))) for number in range(200)))

    assert times(log, batch_bytes) == times(log, 1 << 20)


def test_a_compressed_file_is_not_looked_into_before_it_is_whole(log: Path) -> None:
    lines = [b"%d" % number for number in range(200_000)]
    log.write_bytes(b"\n".join(lines) + b"\n")
    lineage = begun(log)
    assert read(lineage) == lines

    plain = log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"new\n")
    compressed = gzip.compress(plain.read_bytes())
    log.with_name("app.log.1.gz").write_bytes(compressed[: len(compressed) * 3 // 4])

    assert read(lineage) == [b"new"]
    lineage.close()


def test_an_empty_file_is_not_taken_for_another_that_got_its_inode(log: Path) -> None:
    log.touch()
    lineage = begun(log)
    assert read(lineage) == []
    known = lineage.known
    lineage.close()

    log.rename(log.with_name("other.log")).write_bytes(b"not ours\n")
    log.write_bytes(b"new\n")
    again = Lineage(str(log), known, ReadLimits(), NOW)

    assert read(again) == [b"new"]
    again.close()


def test_a_file_that_is_replaced_by_a_longer_one_while_its_lines_are_sent_is_read_once(log: Path) -> None:
    log.write_bytes(b"1\n2\n")
    lineage = begun(log)
    sent = lineage.read(NOW)
    assert sent is not None

    longer = log.with_name(".app.log.tmp")
    longer.write_bytes(b"1\n2\n3\n")
    longer.replace(log)
    lineage.hold()
    sent.acknowledge(len(sent.lines), NOTHING)

    assert read(lineage) == [b"3"]
    lineage.close()


def test_a_file_that_is_replaced_by_another_while_its_lines_are_sent_is_read_to_its_end(log: Path) -> None:
    log.write_bytes(b"1\n2\n")
    lineage = begun(log)
    sent = lineage.read(NOW)
    assert sent is not None

    other = log.with_name(".app.log.tmp")
    other.write_bytes(b"1\n3\n4\n")
    other.replace(log)
    lineage.hold()
    sent.acknowledge(len(sent.lines), NOTHING)

    assert read(lineage) == [b"1", b"3", b"4"]
    lineage.close()


@pytest.mark.parametrize("down", [True, False])
def test_a_file_that_was_seen_empty_is_found_in_a_folder_of_rotated_files(log: Path, *, down: bool) -> None:
    log.touch()
    lineage = begun(log)
    assert read(lineage) == []
    lineage.close()
    log.write_bytes(b"1\n2\n")
    old = log.parent / "old"
    old.mkdir()
    (old / "app.log.2").write_bytes(b"before the agent\n")
    os.utime(old / "app.log.2", (1, 1))
    log.rename(old / "app.log.1")
    log.write_bytes(b"3\n")
    if down:
        lineage = Lineage(str(log), lineage.known, ReadLimits(), NOW)

    assert read(lineage) == [b"1", b"2", b"3"]
    lineage.close()


def test_an_inode_in_another_folder_is_no_proof_without_the_name_of_a_rotation(log: Path) -> None:
    log.touch()
    lineage = begun(log)
    known = lineage.known
    lineage.close()
    (log.parent / "old").mkdir()
    log.rename(log.parent / "old" / "invoices.txt").write_bytes(b"not ours\n")
    log.write_bytes(b"new\n")
    again = Lineage(str(log), known, ReadLimits(), NOW)

    assert read(again) == [b"new"]
    again.close()


@pytest.mark.parametrize("compressed", [True, False])
def test_an_empty_file_is_not_taken_for_a_known_one_that_got_its_inode(log: Path, *, compressed: bool) -> None:
    log.write_bytes(b"1\n")
    lineage = begun(log)
    assert read(lineage) == [b"1"]
    (known,) = lineage.known
    lineage.close()
    log.write_bytes(b"1\n2\n")
    rotated = log.with_name("app.log.1.gz" if compressed else "app.log.1")
    if compressed:
        compress(log, rotated)
    else:
        rotated.write_bytes(log.read_bytes())
        log.unlink()
    log.write_bytes(b"3\n")
    again = Lineage(str(log), (Position(rotated.stat().st_ino), known), ReadLimits(), NOW)

    assert read(again) == [b"2", b"3"]
    again.close()


def test_what_is_renamed_and_compressed_while_it_is_looked_for_is_found(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_bytes(b"1\n")
    lineage = begun(log)
    assert read(lineage) == [b"1"]
    old = log.rename(log.with_name("app.log.2"))
    unseen = log.with_name("app.log.1")
    unseen.write_bytes(b"2\n")
    log.write_bytes(b"3\n")

    def rotate() -> None:
        old.rename(log.with_name("app.log.3"))
        compress(unseen, log.with_name("app.log.2.gz"))

    monkeypatch.setattr(rotation_search, "rotations", _and_then(rotate))

    assert read(lineage) == [b"2", b"3"]
    lineage.close()


def _and_then(once: Callable[[], None]) -> Callable[[str, Iterable[str]], list[Rotated]]:
    left = [once]

    def look(path: str, more: Iterable[str]) -> list[Rotated]:
        found = rotations(path, more)
        if left:
            left.pop()()
        return found

    return look
