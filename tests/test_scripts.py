"""The two commands and the lock files, as far as tests can check them without an installation."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-pyaudio.lock", "requirements-dev.lock")
SCRIPTS = ("start.sh", "test.sh", ".ci/run", "tools/bootstrap.sh", "tools/lock.sh")


def write_script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(checkout: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy, whose own programs come before the machine's."""
    environment = {**os.environ, "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def sourced(checkout: Path, functions: str) -> str:
    """Return the messages of the bootstrap's named functions."""
    script = f"set -euo pipefail; ROOT=$PWD; source tools/bootstrap.sh; {functions}"
    done = run(checkout, "bash", "-c", script, "start.sh")
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a prepared copy of the scripts, in which nothing real can be installed.

    Its `.venv` has a Python that notes `-m …` in the file `noted` and obeys the rest. Its `bin` plays a Debian that has
    the packages which the file `packages` lists, and notes what apt-get is asked; jackd2 cannot be had.
    """
    copy = tmp_path / "white room"
    for name in (*SCRIPTS, *LOCKS, "pyproject.toml"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    note = f'echo "$@" >>"{copy}/noted"'
    write_script(copy / ".venv/bin/python", f'[ "$1" = -m ] || exec "{sys.executable}" "$@"; shift; {note}')
    write_script(copy / ".venv/bin/wr-agent", 'echo $$ "$@"')
    write_script(copy / "bin/sudo", 'exec "$@"')
    write_script(copy / "bin/systemctl", ":")
    write_script(copy / "bin/dpkg-query", f'grep -qx "$4" "{copy}/packages" && echo installed')
    install = f"""case "$*" in *jackd2*) exit 100 ;; *) printf '%s\\n' "$@" >>"{copy}/packages" ;; esac"""
    write_script(copy / "bin/apt-get", f"{note}; {install}")
    (copy / "packages").write_text("gcc\nlibc6-dev\nportaudio19-dev\n")
    (copy / "noted").touch()
    for profile in ("run", "test"):
        sourced(copy, f"find_missing {profile}; state {profile} >.venv/ready-{profile}")
    return copy


def noted(checkout: Path) -> list[str]:
    return (checkout / "noted").read_text().splitlines()


class TestScripts:
    def test_shellcheck_finds_nothing(self) -> None:
        done = subprocess.run(["shellcheck", "-x", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stdout) == (0, "")

    @pytest.mark.parametrize("name", ["start.sh", "test.sh", ".ci/run", "tools/lock.sh"])
    def test_can_be_executed(self, name: str) -> None:
        assert os.access(ROOT / name, os.X_OK)


class TestStart:
    def test_becomes_the_agent_from_anywhere_through_a_link(self, checkout: Path, tmp_path: Path) -> None:
        link = tmp_path / "start"
        link.symlink_to(checkout / "start.sh")

        with subprocess.Popen(
            [link, "--config", "a file"],
            cwd="/",
            env={**os.environ, "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            text=True,
        ) as started:
            answer, _ = started.communicate(timeout=60)

        assert answer == f"{started.pid} run --welcome --config a file\n"

    def test_installs_nothing_when_nothing_has_changed(self, checkout: Path) -> None:
        run(checkout, "./start.sh")

        assert noted(checkout) == []

    def test_installs_again_once_after_the_dependencies_changed(self, checkout: Path) -> None:
        with (checkout / "pyproject.toml").open("a") as project:
            project.write("# changed\n")

        run(checkout, "./start.sh")
        first = noted(checkout)
        run(checkout, "./start.sh")

        assert any("requirements.lock" in line for line in first)
        assert noted(checkout) == first

    def test_takes_what_the_lock_names_and_never_asks_for_more(self, checkout: Path) -> None:
        (checkout / "requirements.lock").write_text("changed")

        run(checkout, "./start.sh")

        assert any("--no-deps --require-hashes -r" in line and "requirements.lock" in line for line in noted(checkout))

    def test_installs_again_after_the_user_installed_a_package(self, checkout: Path) -> None:
        packages = checkout / "packages"
        packages.write_text("gcc\nlibc6-dev\n")
        sourced(checkout, "find_missing run; state run >.venv/ready-run")
        packages.write_text("gcc\nlibc6-dev\nportaudio19-dev\n")

        run(checkout, "./start.sh")

        assert any("requirements-pyaudio.lock" in line for line in noted(checkout))

    def test_installs_again_after_the_checkout_moved(self, checkout: Path, tmp_path: Path) -> None:
        moved = tmp_path / "elsewhere"
        shutil.copytree(checkout, moved)

        run(checkout, moved / "start.sh")

        assert any(line.endswith(f"--editable {moved}") for line in noted(checkout))

    def test_a_failed_install_is_named_and_not_recorded_as_done(self, checkout: Path) -> None:
        (checkout / "requirements.lock").write_text("changed")
        write_script(
            checkout / ".venv/bin/python", f'case "$*" in *" install "*) exit 1 ;; esac; exec "{sys.executable}" "$@"'
        )

        done = run(checkout, "./start.sh")

        assert done.returncode == 1
        assert done.stderr.endswith("start.sh: cannot install the Python packages: pip says why, above\n")
        assert not (checkout / ".venv/ready-run").exists()


class TestTest:
    CHECKS = ("ruff check", "ruff format --check", "mypy")
    PARALLEL = "pytest -n auto --dist loadscope"

    def test_checks_then_runs_all_tests(self, checkout: Path) -> None:
        run(checkout, "./test.sh")

        assert noted(checkout) == [*self.CHECKS, self.PARALLEL]

    def test_quick_leaves_out_what_takes_long(self, checkout: Path) -> None:
        run(checkout, "./test.sh", "--quick")

        tests = f"{self.PARALLEL} -m not (server or browser or compiler or slow)"
        assert sorted(noted(checkout)) == sorted([*self.CHECKS, tests])

    def test_quick_fails_with_its_checks_or_its_tests(self, checkout: Path) -> None:
        for failing in ("mypy", "pytest"):
            write_script(
                checkout / ".venv/bin/python", f'case "$*" in *"-m {failing}"*) echo {failing} said; exit 1 ;; esac'
            )
            done = run(checkout, "./test.sh", "--quick")

            assert done.returncode == 1
            assert f"{failing} said" in done.stdout

    def test_coverage_is_measured_where_it_is_asked_for(self, checkout: Path) -> None:
        run(checkout, "./test.sh", "--cov")

        assert noted(checkout) == [*self.CHECKS, f"{self.PARALLEL} --cov"]

    def test_other_arguments_are_for_pytest_alone(self, checkout: Path) -> None:
        run(checkout, "./test.sh", "-k", "jack")

        assert noted(checkout) == ["pytest -k jack"]

    def test_ci_runs_everything(self, checkout: Path) -> None:
        run(checkout, ".ci/run")

        assert noted(checkout) == [*self.CHECKS, self.PARALLEL]


class TestSystemPackages:
    def test_only_missing_ones_are_installed(self, checkout: Path) -> None:
        (checkout / "packages").write_text("gcc\n")

        sourced(checkout, "find_missing run; install_missing")

        *_, install = noted(checkout)
        assert "--no-install-recommends --no-remove libc6-dev portaudio19-dev" in install

    @pytest.mark.parametrize(
        ("release", "swift", "wanted"),
        [
            ("ID=debian\nVERSION_ID=13\n", "false", "swiftlang\n"),
            ("ID=debian\nVERSION_ID=13\n", "true", ""),
            ("ID=debian\nVERSION_ID=12\n", "false", ""),
            ("ID=debian\n", "false", ""),
            ("ID=ubuntu\nVERSION_ID=24.04\n", "false", ""),
        ],
    )
    def test_swift_is_installed_where_debian_has_it(
        self, checkout: Path, release: str, swift: str, wanted: str
    ) -> None:
        (checkout / "os-release").write_text(release)

        assert sourced(checkout, f"OS_RELEASE=os-release; has_swift() {{ {swift}; }}; wanted_swift >&2") == wanted

    def test_the_package_manager_is_left_alone_when_none_is_missing(self, checkout: Path) -> None:
        sourced(checkout, "find_missing run; install_missing; report_missing")

        assert noted(checkout) == []

    def test_one_that_cannot_be_had_is_named_with_its_cost_and_costs_no_other(self, checkout: Path) -> None:
        said = sourced(checkout, "find_missing test; install_missing; find_missing test; report_missing")

        assert said.splitlines()[1:] == [
            "start.sh: missing: jackd2, so what needs a JACK server fails",
            "start.sh: to install: sudo apt-get install --no-install-recommends jackd2",
        ]


def pins(lock: str) -> list[Requirement]:
    """Return the requirements of a lock file, which precede the lines with their hashes."""
    lines = (ROOT / lock).read_text().splitlines()
    return [Requirement(line.removesuffix("\\").strip()) for line in lines if "==" in line and "--hash" not in line]


def versions(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock file allows each package on some platform or Python."""
    found: dict[str, set[str]] = {}
    for pin in pins(lock):
        (exact,) = pin.specifier
        found.setdefault(canonicalize_name(pin.name), set()).add(exact.version)
    return found


def declared(*groups: str) -> list[Requirement]:
    """Return the requirements of pyproject.toml: the dependencies, the extra `audio`, and the named groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = [item for group in groups for item in project["dependency-groups"][group] if isinstance(item, str)]
    base = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    return [Requirement(item) for item in (*base, *project["project"]["optional-dependencies"]["audio"], *named)]


def needed(*groups: str) -> set[str]:
    """Return the names of all declared packages and of their own requirements, as installed here."""
    seen: set[tuple[str, frozenset[str]]] = set()
    left = declared(*groups)
    while left:
        item = left.pop()
        what = canonicalize_name(item.name), frozenset(item.extras)
        if what in seen:
            continue
        seen.add(what)
        found = [Requirement(text) for text in importlib.metadata.requires(what[0]) or ()]
        left += [r for r in found if not r.marker or any(r.marker.evaluate({"extra": e}) for e in ("", *what[1]))]
    return {name for name, _ in seen}


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS)
    def test_every_package_has_one_exact_version_with_hashes_and_no_address(self, lock: str) -> None:
        text = (ROOT / lock).read_text()
        entries = text.replace("\\\n", "").splitlines()

        assert "://" not in text
        assert len(pins(lock)) == len(entries)
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []

    @pytest.mark.parametrize(
        ("lock", "groups"), [("requirements.lock", ("build",)), ("requirements-dev.lock", ("build", "dev"))]
    )
    def test_everything_declared_is_locked_to_what_it_allows(self, lock: str, groups: tuple[str, ...]) -> None:
        locked = versions(lock) | versions("requirements-pyaudio.lock")
        wanted = declared(*groups)

        assert [item for item in wanted if not locked.get(canonicalize_name(item.name))] == []
        assert [
            item
            for item in wanted
            if not all(item.specifier.contains(version) for version in locked[canonicalize_name(item.name)])
        ] == []

    @pytest.mark.parametrize(
        ("lock", "groups"), [("requirements.lock", ("build",)), ("requirements-dev.lock", ("build", "dev"))]
    )
    def test_whatever_is_needed_is_named(self, lock: str, groups: tuple[str, ...]) -> None:
        assert needed(*groups) - versions(lock).keys() == {"pyaudio"}  # which has a lock of its own

    def test_the_project_installs_in_place_with_nothing_that_is_not_locked(self, tmp_path: Path) -> None:
        build = "import sys, hatchling.build; hatchling.build.build_editable(sys.argv[1])"
        done = subprocess.run(
            [sys.executable, "-c", build, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
        )

        assert (done.returncode, done.stderr) == (0, "")

    def test_both_commands_share_one_environment(self) -> None:
        tested = versions("requirements-dev.lock")

        assert {name: found for name, found in versions("requirements.lock").items() if found != tested.get(name)} == {}
