import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import BUILD_PATIENCE, build_folder

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients" / "swift"
PLACE = "/opt/swift/usr/bin"
"""The folder where a toolchain from swift.org usually is, next to those of the PATH."""


@pytest.fixture(scope="session")
def toolchain() -> str:
    """The `swift` command. Without one, the tests that need it are skipped."""
    found = shutil.which("swift") or shutil.which("swift", path=PLACE)
    if not found:
        pytest.skip("no Swift toolchain is installed (Debian 13: swiftlang)")
    return found


def run_swift(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Return the output of a swift command that succeeds without a warning."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=BUILD_PATIENCE)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-6000:]
    assert "warning:" not in output, output[-6000:]
    return output


@pytest.fixture(scope="session")
def swift_builds(toolchain: str) -> Iterator[Path]:
    """The folder of the builds in Swift. Waits for no build in C++."""
    assert toolchain
    with build_folder("swift") as folder:
        yield folder


@pytest.fixture(scope="session")
def swift_build(toolchain: str, swift_builds: Path) -> Path:
    """The folder of the package's build, its tests included."""
    folder = swift_builds / "package"
    run_swift(toolchain, "build", "--build-tests", "--package-path", PACKAGE, "--scratch-path", folder)
    return folder


@pytest.fixture(scope="session")
def stage_app(toolchain: str, swift_builds: Path) -> Path:
    """The program of the example, a package that adds ours by its path."""
    folder = swift_builds / "stage-app"
    run_swift(toolchain, "build", "--package-path", PACKAGE / "Examples" / "StageApp", "--scratch-path", folder)
    return folder / "debug" / "StageApp"
