from pathlib import Path

import pytest

from collectors.logs.files.aliases import Aliases
from collectors.logs.files.discovery import FoundFiles, find_files
from collectors.logs.files.generation import ReadLimits
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.ownership import Ownership
from collectors.logs.history import NOTHING

NOW = 1795321418_000000000


class Source:
    """The logs of a folder, as a source knows them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lineages: dict[str, Lineage] = {}
        self.ownership = Ownership(self.lineages, {})
        self.aliases = Aliases(self.lineages, {}, self.ownership)

    def found(self) -> FoundFiles:
        return find_files((f"{self.folder}/*",), self.lineages)

    def read(self, log: Path) -> None:
        """Read a log to its end, after which its replaced files are finished."""
        status = self.found().files.get(str(log))
        lineage = self.lineages.get(str(log))
        if lineage is None:
            lineage = self.lineages[str(log)] = Lineage(str(log), (), ReadLimits(linger=0), NOW, self.ownership.owner)
            assert status is not None
            lineage.begin(status, (), at_end=False)
        while (work := lineage.read(NOW)) is not None:
            work.acknowledge(len(work.lines), NOTHING)
        self.ownership.record(str(log), lineage.known)

    def look(self) -> FoundFiles:
        """Search the owners of all files."""
        found = self.found()
        unknown = self.aliases.unknown(found.files, found)
        self.aliases.replace(unknown, self.aliases.owners(unknown, found), found)
        return found

    def close(self) -> None:
        for lineage in self.lineages.values():
            lineage.close()


@pytest.fixture
def log(logs: Path) -> Path:
    log = logs / "app.log"
    log.write_bytes(b"1\n2\n")
    return log


@pytest.fixture
def source(log: Path) -> Source:
    source = Source(log.parent)
    source.read(log)
    source.look()
    return source


def test_a_renamed_file_belongs_to_its_log_until_another_file_stands_there(source: Source, log: Path) -> None:
    renamed = log.rename(log.with_name("app-1.log"))
    source.look()
    assert str(renamed) in source.aliases
    assert source.aliases.owner_of(str(renamed)) == str(log)

    renamed.unlink()
    log.with_name("kept").write_bytes(b"keeps the inode of the other from being the same\n")
    renamed.write_bytes(b"of another program\n")
    source.look()

    assert str(renamed) not in source.aliases
    assert source.aliases.owner_of(str(renamed)) == str(renamed)
    source.close()


def test_a_finished_file_that_is_written_on_under_its_new_name_is_a_log(source: Source, log: Path) -> None:
    renamed = log.rename(log.with_name("app-1.log"))
    log.write_bytes(b"3\n")
    source.read(log)
    assert list(source.aliases.written_on(source.look())) == []

    with renamed.open("ab") as file:
        file.write(b"4\n")
    ((path, owner, position),) = source.aliases.written_on(source.look())

    assert (path, owner, position.offset) == (str(renamed), str(log), 4)
    assert str(renamed) not in source.aliases
    source.close()


def test_a_log_remembers_its_finished_files_that_stand_under_other_paths(source: Source, log: Path) -> None:
    renamed = log.rename(log.with_name("app-1.log"))
    log.write_bytes(b"3\n")
    source.read(log)
    source.look()
    source.aliases.keep_inodes()
    assert source.lineages[str(log)].kept_inodes == {renamed.stat().st_ino}

    renamed.unlink()
    source.look()
    source.aliases.keep_inodes()

    assert source.lineages[str(log)].kept_inodes == frozenset()
    source.close()
