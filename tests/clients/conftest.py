import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_PATIENCE = 600
"""Seconds for a compiler on a slow and shared machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give whichever test of this folder comes first the time to compile."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(BUILD_PATIENCE))


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_PATIENCE)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the C++ client is installed, by its own CMake file."""
    build, prefix = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("prefix")
    _run("cmake", "-S", ROOT / "clients/cpp", "-B", build, "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_INSTALL_LIBDIR=lib")
    _run("cmake", "--build", build)
    _run("cmake", "--install", build, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def programs(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of tests/clients/cpp are built, by a project that finds the installed package."""
    build = tmp_path_factory.mktemp("programs")
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
