from pathlib import Path

from tests.clients.swift.conftest import PACKAGE, run_swift


def test_the_package_builds_without_a_warning_and_its_tests_pass(toolchain: str, swift_build: Path) -> None:
    """Registry, pages, test vectors, and the names of docs/instrumentation.md."""
    said = run_swift(toolchain, "test", "--skip-build", "--package-path", PACKAGE, "--scratch-path", swift_build)

    assert "Test run with" in said
    assert " passed after" in said
