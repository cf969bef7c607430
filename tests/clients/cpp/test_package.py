import subprocess
from pathlib import Path


def test_a_project_finds_the_package_and_its_programs_hold(programs: Path) -> None:
    """Values, server, real-time rules and C interface; address, undefined-behaviour and thread sanitizers."""
    done = subprocess.run(
        ["ctest", "--output-on-failure", "--parallel", "2", "--timeout", "120"],
        cwd=programs,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "100% tests passed, 0 tests failed out of 8" in done.stdout


def test_the_example_serves_and_ends(programs: Path, sockets: Path) -> None:
    done = subprocess.run(
        [programs / "example/reverb_example", "1"],
        env={"WHITE_ROOM_SOCKET_DIR": str(sockets)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith(f"served at {sockets}/reverb.")
    assert list(sockets.iterdir()) == []


def test_the_library_exports_nothing_but_the_c_interface(library: Path) -> None:
    listed = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    kinds = {name: kind for _, kind, name in map(str.split, listed.stdout.splitlines())}
    own = {name for name, kind in kinds.items() if kind not in "VWu"}

    assert "wr_metrics_open" in own
    assert {name for name in own if not name.startswith("wr_")} == set()
    assert {name for name, kind in kinds.items() if kind == "u"} == set(), "a unique symbol forbids unloading"
