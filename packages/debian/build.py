"""Builds the Debian package: the agent in a virtual environment of its own under /opt/wr-agent.

`packages/build-deb.sh` prepares the environment and runs this. The libraries are those of that environment, which pip
installed from the lock files, so building needs no network.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import hashlib
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import hatchling.build
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from agent import __version__
from agent.cli import parser
from agent.service import systemd
from agent.terminal.command_tree import read
from agent.terminal.completions import SHELLS
from packages import manual

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
HOME = Path("opt/wr-agent")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = HOME / "lib" / PYTHON / "site-packages"
COMMAND = f"/{HOME}/bin/wr-agent"

_NEVER_RUN = re.compile(r"(^|/)tests?/|\.(pyi|pyc|pxd|pyx|c|h|hpp|a)$|(^|/)__pycache__/|^\.\./")
_COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/wr-agent",
    "zsh": "usr/share/zsh/vendor-completions/_wr-agent",
    "fish": "usr/share/fish/vendor_completions.d/wr-agent.fish",
}
_SCRIPTS = ("postinst", "prerm", "postrm")


def main() -> int:
    """Build the package and print its path."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder of the package (%(default)s)")
    arguments.add_argument("--compression", default="xz", choices=("xz", "zstd", "gzip", "none"), help="(%(default)s)")
    given = arguments.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / "stage"
        install(stage)
        sys.stdout.write(f"{pack(stage, given.output, given.compression)}\n")
    return 0


def install(stage: Path) -> None:
    """Write all files of the package below `stage`."""
    _environment(stage)
    _libraries(stage / SITE)
    _project(stage / SITE)
    _compile(stage)
    _units(stage)
    _documents(stage)


def pack(stage: Path, folder: Path, compression: str) -> Path:
    """Return the package made of the files below `stage`."""
    control = stage / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(_control(_size(stage)))
    (control / "md5sums").write_text("".join(_checksums(stage)))
    for name in _SCRIPTS:
        shutil.copy(HERE / name, control / name)
        (control / name).chmod(0o755)
    file = folder / f"wr-agent_{__version__}_{_architecture()}.deb"
    subprocess.run(  # noqa: S603 - Debian's own program
        ["/usr/bin/dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", stage, file],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(_time())},
    )
    return file


def _environment(stage: Path) -> None:
    """Write a virtual environment of Debian's Python, as `python3 -m venv` does."""
    programs = stage / HOME / "bin"
    programs.mkdir(parents=True)
    (programs / PYTHON).symlink_to(f"/usr/bin/{PYTHON}")
    for name in ("python3", "python"):
        (programs / name).symlink_to(PYTHON)
    settings = "home = /usr/bin\ninclude-system-site-packages = false\n"
    (stage / HOME / "pyvenv.cfg").write_text(f"{settings}version = {sysconfig.get_python_version()}\n")
    script = programs / "wr-agent"
    script.write_text(f"#!/{HOME}/bin/{PYTHON}\nimport sys\n\nfrom agent.cli import main\n\nsys.exit(main())\n")
    script.chmod(0o755)
    link = stage / "usr/bin/wr-agent"
    link.parent.mkdir(parents=True)
    link.symlink_to(COMMAND)


def _libraries(site: Path) -> None:
    """Copy the libraries that the agent needs, without what never runs."""
    for name in sorted(_needed()):
        distribution = metadata.distribution(name)
        for file in distribution.files or ():
            if not _NEVER_RUN.search(str(file)) and file.name != "direct_url.json":
                target = site / str(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), target)


def _needed() -> set[str]:
    """Return the names of all libraries of the agent and of its extra for audio.

    Raises:
        SystemExit: One is not installed.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    left = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["audio"])]
    seen: set[tuple[str, frozenset[str]]] = set()
    while left:
        item = left.pop()
        key = canonicalize_name(item.name), frozenset(item.extras)
        if key in seen:
            continue
        seen.add(key)
        wanted = [Requirement(text) for text in _requires(key[0])]
        extras = ("", *item.extras)
        left += [it for it in wanted if not it.marker or any(it.marker.evaluate({"extra": extra}) for extra in extras)]
    return {name for name, _ in seen}


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        sys.exit(f"{name} is not installed in {sys.prefix}; packages/build-deb.sh installs it")


def _project(site: Path) -> None:
    """Install the project's wheel."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(ROOT)  # the build backend reads the project in the current folder
        name = hatchling.build.build_wheel(folder)
        with zipfile.ZipFile(Path(folder) / name) as wheel:
            wheel.extractall(site)


def _compile(stage: Path) -> None:
    """Compile all modules, with the paths that they have once they are installed."""
    compileall.compile_dir(
        stage / SITE,
        maxlevels=50,
        quiet=1,
        stripdir=str(stage),
        prependdir="/",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _units(stage: Path) -> None:
    for kind, text in systemd.packaged((COMMAND, "run"), Path("/usr/share/doc/wr-agent/service.md")).items():
        file = stage / "usr/lib/systemd" / kind / "wr-agent.service"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (stage / "etc/wr-agent").mkdir(parents=True)


def _documents(stage: Path) -> None:
    documents = stage / "usr/share/doc/wr-agent"
    documents.mkdir(parents=True)
    for path in (ROOT / "config.example.toml", HERE / "copyright", *sorted((ROOT / "docs").glob("*.md"))):
        shutil.copy(path, documents / path.name)
    _compressed(documents / "changelog.gz", (ROOT / "CHANGELOG.md").read_text())
    _compressed(stage / "usr/share/man/man1/wr-agent.1.gz", manual.page(_date()))
    tree = read(parser())
    for shell, name in _COMPLETIONS.items():
        file = stage / name
        file.parent.mkdir(parents=True)
        file.write_text(SHELLS[shell](tree))


def _compressed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def _control(kibibytes: int) -> str:
    values = {
        "VERSION": __version__,
        "ARCHITECTURE": _architecture(),
        "SIZE": str(kibibytes),
        "PYTHON": PYTHON,
    }
    text = (HERE / "control").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _checksums(stage: Path) -> Iterator[str]:
    for path in _files(stage):
        yield f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(stage)}\n"


def _size(stage: Path) -> int:
    return sum(path.stat().st_size for path in _files(stage)) // 1024


def _files(stage: Path) -> list[Path]:
    return sorted(
        path
        for path in stage.rglob("*")
        if path.is_file() and not path.is_symlink() and path.relative_to(stage).parts[0] != "DEBIAN"
    )


def _architecture() -> str:
    asked = ["/usr/bin/dpkg", "--print-architecture"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _time() -> int:
    """Return the time of all files, so that equal sources make equal packages."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


def _date() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(_time()))


if __name__ == "__main__":
    sys.exit(main())
