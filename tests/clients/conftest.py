import contextlib
import fcntl
import os
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_PATIENCE = 600
"""Seconds for a compiler on a slow and shared machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test of this folder the time to compile."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(BUILD_PATIENCE))


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_PATIENCE)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


@contextlib.contextmanager
def build_folder(language: str) -> Iterator[Path]:
    """Yield a folder that stays for the next run, which then compiles only the changes. One run at a time has it."""
    path = zlib.crc32(os.fsencode(ROOT))  # CMake and Swift refuse the folder of another path
    folder = ROOT / "build" / f"{language}-{path:08x}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def builds() -> Iterator[Path]:
    """The folder of the builds in C++."""
    with build_folder("cpp") as folder:
        yield folder


@pytest.fixture(scope="session")
def package(builds: Path) -> Path:
    """The folder where the C++ client is installed, by its own CMake file."""
    build, prefix = builds / "package", builds / "prefix"
    shutil.rmtree(prefix, ignore_errors=True)
    _run("cmake", "-S", ROOT / "clients/cpp", "-B", build, "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_INSTALL_LIBDIR=lib")
    _run("cmake", "--build", build)
    _run("cmake", "--install", build, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def programs(package: Path, builds: Path) -> Path:
    """The folder of the programs of tests/clients/cpp, built by a project that finds the installed package."""
    build = builds / "programs"
    _run("cmake", "-S", ROOT / "tests/clients/cpp", "-B", build, f"-DCMAKE_PREFIX_PATH={package}")
    _run("cmake", "--build", build, "--parallel", str(os.cpu_count()))
    return build


@pytest.fixture(scope="session")
def library(package: Path) -> Path:
    """The shared library of the C interface."""
    return next(package.glob("lib/libwhite_room_metrics.*"))


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    """A directory for sockets that the client makes itself."""
    return tmp_path / "sockets"
