import re
from pathlib import Path

from tests.clients.swift.conftest import PACKAGE, ROOT, run_swift


def test_the_package_builds_without_a_warning_and_its_tests_pass(toolchain: str, swift_build: Path) -> None:
    """Registry, pages, test vectors, and the names of docs/instrumentation.md."""
    said = run_swift(toolchain, "test", "--skip-build", "--package-path", PACKAGE, "--scratch-path", swift_build)

    assert "Test run with" in said
    assert " passed after" in said


def test_the_thread_sanitizer_finds_no_race(toolchain: str, swift_builds: Path) -> None:
    folder = swift_builds / "thread-sanitizer"
    said = run_swift(toolchain, "test", "--sanitize=thread", "--package-path", PACKAGE, "--scratch-path", folder)

    assert "Test run with" in said
    assert "ThreadSanitizer" not in said


def test_the_part_that_only_apple_has_is_short() -> None:
    apples = [path for path in PACKAGE.rglob("*.swift") if "canImport(UIKit)" in path.read_text()]

    assert [path.name for path in apples] == ["DisplayFrames.swift"]
    assert len(apples[0].read_text().splitlines()) < 100


def test_the_swift_snippets_of_the_page_compile(toolchain: str, stage_app: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "instrumentation.md").read_text()
    found = re.findall(r"^```swift\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for number, text in enumerate(found):
        (tmp_path / f"part{number}.swift").write_text(text)

    sources = sorted(tmp_path.iterdir())
    modules = ("-I", stage_app.parent / "Modules", "-I", ROOT / "clients" / "cpp" / "include")
    compiler = Path(toolchain).with_name("swiftc")
    assert len(sources) == 2
    run_swift(compiler, "-typecheck", "-swift-version", "6", "-warnings-as-errors", *modules, *sources)


def test_the_command_of_the_page_runs_the_example(stage_app: Path, sockets: Path) -> None:
    page = (ROOT / "docs" / "instrumentation.md").read_text()
    command = re.findall(r"^printf .*swift run --package-path .*$", page, re.MULTILINE)

    assert len(command) == 1
    program = re.sub(r"swift run .*", str(stage_app), command[0])
    said = run_swift("sh", "-c", program, env={"WHITE_ROOM_SOCKET_DIR": str(sockets)}).splitlines()
    assert re.fullmatch(rf"served at {sockets}/stage-app\.\d+\.sock", said[0])
    assert said[1:] == ["played", "played"]
