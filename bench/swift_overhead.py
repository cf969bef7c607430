"""The cost of the Swift package for its caller: nanoseconds of processor time a call, next to those of the C++ client.

Both programs run one after the other, with the same calls, threads and rounds. It compares with prometheus-cpp where
that is installed (Debian: prometheus-cpp-dev). Needs a Swift toolchain as `swift` and a C++ compiler as `c++`. Run it
with `python -m bench.swift_overhead`.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.cpp_overhead import COLUMNS, PEER, is_built, rows
from bench.table import machine, table

_PACKAGE = Path(__file__).parent / "SwiftOverhead"
_BUILD = Path(__file__).parents[1] / "build" / "swift-overhead"


def main() -> None:
    """Build, run, print."""
    options = ("-c", "release", "--package-path", _PACKAGE, "--scratch-path", _BUILD)
    subprocess.run(["swift", "build", *options], check=True)
    with tempfile.TemporaryDirectory() as folder:
        in_cpp = Path(folder, "cpp_overhead")
        if not is_built(in_cpp, *PEER) and not is_built(in_cpp):
            raise SystemExit("bench/cpp_overhead.cpp cannot be compiled: see `c++ --version`; Debian's package is g++")
        output = _output(in_cpp) + _output(_BUILD / "release" / "SwiftOverhead", folder)
    print(f"nanoseconds of processor time a call by threads, median of 7 rounds; {machine()}\n")
    print(table(("what is called", *COLUMNS.values()), rows(output.replace("ours: ", "C++: "))))


def _output(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
