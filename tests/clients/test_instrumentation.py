"""The examples of docs/instrumentation.md, compiled and run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from clients.python.white_room_metrics import serving

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "instrumentation.md").read_text()
PLUGIN = """
cmake_minimum_required(VERSION 3.21)
project(reverb LANGUAGES CXX)
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wpedantic -Werror)
add_library(reverb MODULE {sources})
"""


def _snippets(language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return found


def _run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def test_every_snippet_is_of_a_language_that_is_tried_here() -> None:
    assert sorted(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == [
        *("c", "cmake", "cpp", "cpp", "python", "sh", "sh", "sh", "sh", "swift", "swift", "swift")
    ]


@pytest.mark.compiler
def test_the_cpp_snippets_are_a_plugin_built_as_the_cmake_snippet_says(tmp_path: Path) -> None:
    sources = {f"part{number}.cpp": text for number, text in enumerate(_snippets("cpp"))}
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "CMakeLists.txt").write_text(PLUGIN.format(sources=" ".join(sources)) + _snippets("cmake")[0])
    (tmp_path / "white-room").symlink_to(ROOT)

    _run("cmake", "-S", tmp_path, "-B", tmp_path / "build", cwd=tmp_path)
    _run("cmake", "--build", tmp_path / "build", "--parallel", "2", cwd=tmp_path)


@pytest.mark.compiler
def test_the_example_is_built_as_the_page_says(tmp_path: Path, sockets: Path) -> None:
    command = re.sub(r"/\w+/reverb(?!\.)", f"{tmp_path}/reverb", _snippets("sh")[1]).replace(" 60", " 1")
    said = _run("sh", "-c", command, cwd=ROOT, env=os.environ | {"WHITE_ROOM_SOCKET_DIR": str(sockets)})

    assert re.match(rf"served at {sockets}/reverb\.\d+\.sock\n", said)


def test_the_c_snippet_runs(package: Path, library: Path, tmp_path: Path, sockets: Path) -> None:
    (tmp_path / "app.c").write_text(_snippets("c")[0])
    options = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{package / 'include'}", f"-Wl,-rpath,{library.parent}")

    _run("cc", *options, "app.c", library, "-o", "app", cwd=tmp_path)
    assert _run(tmp_path / "app", cwd=tmp_path, env={"WHITE_ROOM_SOCKET_DIR": str(sockets)}) == ""


def test_the_python_snippet_runs(sockets: Path) -> None:
    env = {"WHITE_ROOM_SOCKET_DIR": str(sockets), "PYTHONPATH": str(ROOT / "clients" / "python")}
    said = _run(sys.executable, "-c", _snippets("python")[0], cwd=ROOT, env=env)

    assert re.fullmatch(rf"served at {sockets}/song-exporter\.\d+\.sock\n", said)


def test_the_curl_command_shows_what_is_served(sockets: Path) -> None:
    registry = CollectorRegistry()
    Counter("a_total", "A.", registry=registry)
    with serving("reverb", registry, sockets) as path:
        command = re.sub(r"/run\S+\.sock", str(path), _snippets("sh")[0])
        shown = _run(*shlex.split(command), "--silent", cwd=ROOT)

    assert "\na_total 0.0\n" in shown


def test_the_page_names_every_family_of_the_headers() -> None:
    headers = (ROOT / "clients/cpp/include/white_room/metrics").glob("*.hpp")
    registered = {name for header in headers for name in re.findall(r'"((?:audio|ffi)_\w+)"', header.read_text())}

    assert len(registered) == 8
    assert {name for name in registered if f"`{name}`" not in PAGE} == set()
