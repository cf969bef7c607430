"""`wr-agent service`: installs the agent as a service of systemd or launchd."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from agent.config import loader
from agent.service.definition import Command, Service, ServiceError

HELP = "install, uninstall or show the systemd or launchd service"

_TIMEOUT = 90.0
"""The timeout of a service manager's command, in seconds. A start waits until the agent is ready."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the action and the service's user."""
    parser.add_argument("action", choices=("install", "uninstall", "show"))
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--system", action="store_true", help="a system service; root's default on Linux")
    whose.add_argument("--user", action="store_true", help="a service of the logged-in user; otherwise the default")
    whose.add_argument(
        "--recorder",
        action="store_true",
        help="the kernel recorder, which runs as root next to the agent; see docs/explaining-dropouts.md",
    )
    parser.add_argument("--config", metavar="FILE", help="the configuration file; default: the platform's path")
    parser.add_argument(
        "--as",
        metavar="USER",
        dest="run_as",
        default="",
        help="the user of a system service, or the one whose agent uses the recorder",
    )
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="allow the probe of a system service real-time priority, if the JACK server has it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 on success, else 1."""
    actions = {"install": _install, "uninstall": _uninstall, "show": _show}
    try:
        actions[arguments.action](_service(arguments), _daemon_command(arguments.config))
    except ServiceError as error:
        print(f"wr-agent service: {error}", file=sys.stderr)
        return 1
    return 0


def _install(service: Service, command: Command) -> None:
    text = service.text(command)
    if service.file.exists():
        _run(service.stop, check=False)
    _run(service.prepare)
    _copy(service)
    _write(service.file, text)
    try:
        _run(service.start)
    except ServiceError as error:
        raise ServiceError(f"{error}; what it logged: {service.logs}") from error
    print(f"{service.name} runs, and starts automatically from now on\nits log: {service.logs}")


def _uninstall(service: Service, _command: Command) -> None:
    if not service.file.exists():
        print(f"{service.file} does not exist; nothing to do")
        return
    _run(service.stop, check=False)
    try:
        service.file.unlink()
        if service.folder:
            shutil.rmtree(service.folder, ignore_errors=True)
    except OSError as error:
        raise _no_access(service.file, error) from error
    _run(service.forget)
    print(f"removed {service.file}\nkept {service.kept}")


def _copy(service: Service) -> None:
    """Copy the program into its own folder, if it has one."""
    if service.folder:
        shutil.rmtree(service.folder, ignore_errors=True)
        for name, source in service.files.items():
            _write(service.folder / name, source.read_text())


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)
    except OSError as error:
        raise _no_access(file, error) from error
    print(f"wrote {file}")


def _show(service: Service, command: Command) -> None:
    text = service.text(command)
    print(text, end="")
    try:
        installed = service.file.read_text()
    except OSError:
        print(f"{service.file} does not exist; wr-agent service install writes the text above", file=sys.stderr)
        return
    same = "is the same" if installed == text else "is another; wr-agent service install replaces it by the above"
    print(f"{service.file} {same}", file=sys.stderr)


def _service(arguments: argparse.Namespace) -> Service:
    mac = sys.platform == "darwin"
    if arguments.recorder:
        return _recorder_service(arguments, mac=mac)
    if arguments.system or (os.geteuid() == 0 and not arguments.user and not mac):
        return _system_service(arguments, mac=mac)
    if arguments.run_as or arguments.realtime:
        raise ServiceError("--as and --realtime need a system service: add --system")
    if os.geteuid() == 0:
        raise ServiceError("root has no session: run this as the logged-in user, or with --system")
    from agent.service import launchd, systemd  # the daemon imports all commands but does not use these

    return launchd.agent() if mac else systemd.user()


def _recorder_service(arguments: argparse.Namespace, *, mac: bool) -> Service:
    if mac:
        raise ServiceError("the kernel recorder is for Linux: macOS has no trace of its scheduler for programs")
    if arguments.realtime or arguments.config:
        raise ServiceError("--realtime and --config are the agent's own: the kernel recorder has neither")
    from agent.service import recorder

    return recorder.recorder(arguments.run_as)


def _system_service(arguments: argparse.Namespace, *, mac: bool) -> Service:
    from agent.service import launchd, systemd

    if not mac:
        return systemd.system(arguments.run_as, realtime=arguments.realtime)
    if arguments.realtime:
        raise ServiceError("--realtime is for systemd: CoreAudio's threads have their priority from CoreAudio")
    if not arguments.run_as and arguments.action != "uninstall":
        raise ServiceError("a LaunchDaemon would run as root, which the agent does not need: add --as USER")
    return launchd.daemon(arguments.run_as)


def _daemon_command(given: str | None) -> Command:
    """Return the daemon's command line, after a check of its configuration."""
    script = Path(sys.executable).with_name("wr-agent")
    program = (str(script),) if script.exists() else (sys.executable, "-m", "agent")
    if not given:
        return (*program, "run")
    path = Path(given).resolve()
    loader.load(path)
    return (*program, "run", "--config", str(path))


def _run(commands: tuple[Command, ...], *, check: bool = True) -> None:
    for command in commands:
        if shutil.which(command[0]) is None:
            raise ServiceError(f"expected {command[0]} on this machine, found none; the agent cannot run as a service")
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)  # noqa: S603
        if done.returncode and check:
            raise ServiceError(f"{' '.join(command)} failed ({done.returncode}) {done.stderr.strip()}".strip())
        if not done.returncode:
            print(f"ran {' '.join(command)}")


def _no_access(file: Path, error: OSError) -> ServiceError:
    return ServiceError(f"cannot write {file}: {error.strerror}; run it as root: sudo {' '.join(sys.argv)}")
