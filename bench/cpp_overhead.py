"""The cost of the C++ client for its caller: nanoseconds of processor time a call, with one thread and with four.

It compares with an empty loop, and with prometheus-cpp where it is installed (Debian: prometheus-cpp-dev). Where
threads share a metric it also gives the elapsed time, because a thread that sleeps at a lock needs no processor. Needs
a C++ compiler as `c++`. Run it with `python -m bench.cpp_overhead`.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.table import machine, table

_ROOT = Path(__file__).parents[1]
_OURS = ("c++", "-std=c++17", "-O2", "-pthread", "-I", str(_ROOT / "clients/cpp/include"))
PEER = ("-DWITH_PROMETHEUS_CPP", "-lprometheus-cpp-core")
COLUMNS = {
    "1": "1 thread",
    "4 own": "4, own metrics",
    "4 shared": "4, one metric",
    "4 shared elapsed": "4, one metric, elapsed",
}


def main() -> None:
    """Build, run, print."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "cpp_overhead")
        has_peer = is_built(program, *PEER)
        if not has_peer and not is_built(program):
            raise SystemExit("bench/cpp_overhead.cpp cannot be compiled: see `c++ --version`; Debian's package is g++")
        done = subprocess.run([program], check=True, capture_output=True, text=True)
    print(f"nanoseconds of processor time a call by threads, median of 7 rounds; {machine()}\n")
    print(table(("what is called", *COLUMNS.values()), rows(done.stdout)))
    if not has_peer:
        print("\nprometheus-cpp is not installed (Debian: prometheus-cpp-dev)")


def is_built(program: Path, *options: str) -> bool:
    """Compile the program with these options, and return whether that succeeded."""
    source = str(_ROOT / "bench/cpp_overhead.cpp")
    built = subprocess.run([*_OURS, source, "-o", str(program), *options], check=False, capture_output=True)
    return built.returncode == 0


def rows(output: str) -> list[tuple[str, ...]]:
    """Return the figures of the program's output, a row for each subject."""
    figures: dict[str, dict[str, str]] = {}
    for line in output.splitlines():
        subject, threads, nanoseconds = line.split("\t")
        figures.setdefault(subject, {})[threads] = nanoseconds
    return [(subject, *(found.get(column, "-") for column in COLUMNS)) for subject, found in figures.items()]


if __name__ == "__main__":
    main()
