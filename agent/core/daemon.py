"""The daemon, which starts, connects, reloads and stops all parts within `STOP_DEADLINE`."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog

from agent import __version__, hangup
from agent.config.decode import ConfigError, Problem
from agent.config.loader import load
from agent.config.locations import state_directory, web_config_file
from agent.config.schema import Config
from agent.core import log, sd_notify
from agent.core import state_directory as state
from agent.core.collectors import Collectors
from agent.core.instance import Instance
from agent.core.memory import keep_what_is_loaded
from agent.core.status import SCHEMA, CollectorStatus, Status
from agent.web.listener import ListenError
from agent.web.server import ControlServer, WebServer
from collectors.address import Address
from collectors.offloop import Worker, within
from collectors.plain_errors import unexpected

STOP_DEADLINE = 4.5
"""Seconds from the signal to the end of the process, even if a part hangs."""

_LOAD_DEADLINE = 15.0
_MOST_PROBLEMS = 20
"""The number of problems of a refused configuration that are logged."""

logger = structlog.get_logger()


class Daemon:
    """One running agent.

    Args:
        path: The configuration file, which a reload reads again; `None` for the built-in defaults.
        config: Its current content.
        listen: The address to listen on instead of the configured one.
    """

    def __init__(self, path: Path | None, config: Config, listen: Address | None = None) -> None:
        self._path = path
        self._started = time.time()
        self._started_monotonic = time.monotonic()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._listen = listen
        self._sources = Collectors(self._with_listen(config), path)
        pages = self._sources.pages(self.status)
        self._web = WebServer(pages, self._sources.security, lambda: self._sources.config.web.names)
        self._control = ControlServer(pages)
        self._instance: Instance | None = None
        self.serving = asyncio.Event()
        """Set once the agent serves, with all collectors started."""
        self._writer = Worker("write address")  # off the loop, as the disk may hang

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            ConfigError: The web configuration or the state directory is unusable.
            ListenError: The agent cannot listen on the address.
            HeldError: Another agent holds the state directory.
        """
        self._handle_signals()
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await self._serve()
            else:
                logger.info("stopping during the start")
                await _cancel(starting)
                await self._sources.stop()
        finally:
            await _cancel(stopping)
            await self._web.stop()
            await self._control.stop()
            if self._instance:
                self._instance.release()

    async def status(self) -> Status:
        """Return the document of `/-/status`."""
        checks = await self._sources.health.outcomes()
        return Status(
            schema=SCHEMA,
            version=__version__,
            pid=os.getpid(),
            started=self._started,
            uptime=time.monotonic() - self._started_monotonic,
            url=self._web.url,
            config=str(self._path or "built-in defaults"),
            config_error=self._sources.refusal,
            collectors=[
                CollectorStatus(name, not it.error, it.error, it.errors, it.restarts, it.duration)
                for name, it in self._sources.supervisor.supervised.items()
            ],
            checks=list(checks),
            state=self._sources.supervisor.states(),
            live=await self._sources.sampler.now(),
        )

    async def _start(self) -> None:
        """Prepare, listen and start the collectors. All access to disks is off the loop and has a deadline."""
        await self._sources.security.read()
        if self._sources.security.problem:
            raise self._sources.security.problem
        directory = state_directory(self._sources.config)
        await within(None, lambda: state.check(directory), "check state directory")
        prepared = await self._sources.prepare(self._sources.config)
        self._instance = await within(None, lambda: _claim(directory), "lock state directory")
        if self._instance:
            await within(None, lambda: _keep_log(directory), "open log")
        await self._web.listen(self._sources.config.web.listen)
        if self._instance:
            await self._control.listen(directory)
        self._announce()
        await self._sources.begin(prepared)

    async def _serve(self) -> None:
        keep_what_is_loaded()
        sd_notify.ready()
        self.serving.set()
        work = (
            self._stop.wait(),
            self._sources.health.run(),
            self._sources.sampler.run(),
            self._sources.security.watch(self._apply_new_rules),
            self._reload_when_asked(),
        )
        tasks = [asyncio.create_task(part) for part in work]
        ended, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        sd_notify.stopping()
        logger.info("stopping")
        self._begin_stop()
        for task in others:
            task.cancel()
        await self._sources.stop()
        for task in ended:
            task.result()  # only the stop may end by itself; any other end is a bug to report

    def _announce(self) -> None:
        if self._instance:
            self._writer.submit(partial(_write_address, self._instance, self._web.url))
        where = f"{self._web.url}/metrics" if self._web.url else "no port"
        sd_notify.status(f"serving {where}")
        config = str(self._path or "built-in defaults")
        logger.info("serving", url=where, version=__version__, config=config)

    def _apply_new_rules(self) -> None:
        self._web.retire()
        self._announce()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._begin_stop)
        loop.add_signal_handler(signal.SIGINT, self._begin_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        if hangup.was_received():
            self._reload.set()

    def _begin_stop(self) -> None:
        """Stop at once, also during the start, and end the process at the deadline in any case."""
        if not self._stop.is_set():
            self._stop.set()
            end_process_after(STOP_DEADLINE)

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            sd_notify.reloading()
            await self._reload_now()
            sd_notify.ready()

    async def _reload_now(self) -> None:
        try:
            await self._apply(self._with_listen(await self._load()))
        except (ConfigError, ListenError) as error:
            self._sources.refusal = str(error)
        except Exception as error:
            logger.exception("the reload failed")
            self._sources.refusal = f"the reload failed: {unexpected(error)}; report this bug"
        else:
            self._sources.refusal = ""
            keep_what_is_loaded()
            logger.info("reloaded", config=str(self._path or "built-in defaults"))
        lines = self._sources.refusal.splitlines()
        if len(lines) > _MOST_PROBLEMS:
            lines = [*lines[:_MOST_PROBLEMS], f"and {len(lines) - _MOST_PROBLEMS} more; see wr-agent check-config"]
            self._sources.refusal = "\n".join(lines)
        for line in lines:
            logger.error("new configuration refused; the old one stays in effect", problem=line)

    def _with_listen(self, config: Config) -> Config:
        if self._listen is None:
            return config
        return msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, listen=self._listen))

    async def _load(self) -> Config:
        """Read the configuration file off the event loop.

        Raises:
            ConfigError: The file is unusable, or cannot be read in time.
        """
        try:
            return await within(_LOAD_DEADLINE, lambda: load(self._path, _warn), "load configuration")
        except TimeoutError:
            problem = Problem("file", f"cannot be read within {_LOAD_DEADLINE:g} s; check the disk")
            raise ConfigError(str(self._path), [problem]) from None

    async def _apply(self, new: Config) -> None:
        """Prepare everything that can fail, then put the configuration into effect."""
        old, security = self._sources.config, self._sources.security
        reading = await security.prepare(web_config_file(new))
        prepared = await self._sources.prepare(new)
        before = security.adopt(reading)
        try:
            if new.web.listen != old.web.listen:
                await self._web.listen(new.web.listen)
                self._announce()
        except ListenError:
            security.adopt(before)
            raise
        if reading.secured != before.secured:
            self._apply_new_rules()
        log.configure(new.log_level, new.log_format)
        if state_directory(new) != state_directory(old):
            logger.warning("a new state_dir needs a restart", state_dir=str(state_directory(new)))
        await self._sources.apply(prepared)


def _warn(warning: str) -> None:
    logger.warning("outdated setting", problem=warning)


def _keep_log(directory: Path) -> None:
    """Keep the log of an agent without a service manager, whose terminal keeps none."""
    if log.is_kept():
        return
    try:
        log.keep(directory / log.FILE)
    except OSError as error:
        logger.warning("the log is on standard error only", state_dir=str(directory), problem=error.strerror)


def _claim(directory: Path) -> Instance | None:
    """Lock the state directory; return `None`, and log it, if that is impossible."""
    try:
        return state.answer(lambda: Instance(directory), directory)
    except OSError as error:
        logger.warning(
            "state directory unusable; commands cannot reach this agent, and a second agent would go unnoticed",
            state_dir=str(directory),
            problem=error.strerror,
            remedy="make it writable, or set state_dir",
        )
        return None


def _write_address(instance: Instance, url: str) -> None:
    try:
        instance.announce(url)
    except OSError as error:
        logger.warning("commands cannot reach this agent; its lock file is unwritable", problem=error.strerror)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


def end_process_after(seconds: float) -> None:
    """End the process at the deadline if the orderly shutdown is not complete by then."""

    def end() -> None:
        with contextlib.suppress(Exception):
            logger.error("shutdown incomplete at the deadline; exiting now", after=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # no thread left; this signal's default action ends the process
        signal.alarm(math.ceil(seconds))
