import json
import os
import re
import shutil
import subprocess
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


APP = """
import WhiteRoomMetrics
import WhiteRoomMetricsPush

let metrics = try PrometheusMetrics(labels: ["service": "swift-frontend"])
try metrics.counter("songs_created_total", "Songs created.").inc(3)
print(metrics.page())
"""
MANIFEST = """// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "App",
    platforms: [.macOS(.v12)],
    dependencies: [.package(url: "URL", from: "0.1.0")],
    targets: [
        .executableTarget(
            name: "App",
            dependencies: [
                .product(name: "WhiteRoomMetrics", package: "wr-agent"),
                .product(name: "WhiteRoomMetricsPush", package: "wr-agent"),
            ]
        )
    ]
)
"""


def _git(repository: Path, *command: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *identity, *command], cwd=repository, check=True, capture_output=True)


def test_an_app_adds_the_package_by_the_url_of_the_repository(toolchain: str, tmp_path: Path) -> None:
    repository, app = tmp_path / "wr-agent", tmp_path / "app"
    built = shutil.ignore_patterns(".build")
    shutil.copytree(ROOT / "clients", repository / "clients", symlinks=True, ignore=built)
    shutil.copy(ROOT / "Package.swift", repository)
    _git(repository, "init", "--quiet")
    _git(repository, "add", ".")
    _git(repository, "commit", "--quiet", "--message", "all")
    _git(repository, "tag", "0.1.0")
    (app / "Sources" / "App").mkdir(parents=True)
    (app / "Sources" / "App" / "main.swift").write_text(APP)
    (app / "Package.swift").write_text(MANIFEST.replace("URL", repository.as_uri()))

    said = run_swift(toolchain, "run", "--package-path", app, "App", env=os.environ | {"HOME": str(tmp_path)})
    assert 'songs_created_total{service="swift-frontend"} 3\n' in said


def test_both_manifests_have_the_same_products_and_platforms(toolchain: str, tmp_path: Path) -> None:
    def described(folder: Path) -> tuple[object, ...]:
        options = ("--package-path", folder, "--scratch-path", tmp_path)
        found = json.loads(run_swift(toolchain, "package", *options, "dump-package"))
        return tuple(found[key] for key in ("products", "platforms", "swiftLanguageVersions", "cxxLanguageStandard"))

    assert described(ROOT) == described(PACKAGE)


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
    assert len(sources) == 3
    run_swift(compiler, "-typecheck", "-swift-version", "6", "-warnings-as-errors", *modules, *sources)


def test_the_command_of_the_page_runs_the_example(stage_app: Path, sockets: Path) -> None:
    page = (ROOT / "docs" / "instrumentation.md").read_text()
    command = re.findall(r"^printf '.*swift run --package-path .*$", page, re.MULTILINE)

    assert len(command) == 1
    program = re.sub(r"swift run .*", str(stage_app), command[0])
    said = run_swift("sh", "-c", program, env={"WHITE_ROOM_SOCKET_DIR": str(sockets)}).splitlines()
    assert re.fullmatch(rf"served at {sockets}/stage-app\.\d+\.sock", said[0])
    assert said[1:] == ["played", "played"]
