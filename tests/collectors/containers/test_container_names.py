from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from collectors.containers import container_names
from collectors.containers.container_names import ContainerNames
from collectors.containers.engine import EngineError
from tests.collectors.containers.conftest import StartEngine
from tests.collectors.containers.support import DATABASE, WEB


class _Engine:
    """A stand-in of Docker that counts how often it was asked."""

    def __init__(self) -> None:
        self.running = {WEB: "web"}
        self.asked = 0
        self.status = 200

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        listed = [{"Id": container, "Names": [f"/{name}"]} for container, name in self.running.items()]
        return web.json_response(listed, status=self.status)


async def test_an_engine_is_asked_about_new_containers_only(start_engine: StartEngine) -> None:
    engine = _Engine()
    asked = ContainerNames([await start_engine(engine.answer)])

    for _ in range(3):
        answers = await asked.answers({WEB})
        assert answers.known[WEB].name == "web"
    assert engine.asked == 1

    engine.running[DATABASE] = "database"
    answers = await asked.answers({WEB, DATABASE})

    assert {container: description.name for container, description in answers.known.items()} == {
        WEB: "web",
        DATABASE: "database",
    }
    assert engine.asked == 2


async def test_without_containers_no_engine_is_asked(start_engine: StartEngine) -> None:
    engine = _Engine()

    answers = await ContainerNames([await start_engine(engine.answer)]).answers(frozenset())

    assert answers.known == {}
    assert engine.asked == 0


async def test_what_no_engine_knows_is_asked_again_only_after_a_while(
    start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine()
    asked = ContainerNames([await start_engine(engine.answer)])

    answers = [await asked.answers({DATABASE}) for _ in range(3)]

    assert engine.asked == 1
    assert {frozenset(it.unnamed) for it in answers} == {frozenset({DATABASE})}
    assert [it.problems for it in answers] == [{}, {}, {}]

    monkeypatch.setattr(container_names, "RETRY", 0.0)
    engine.running[DATABASE] = "database"

    assert (await asked.answers({DATABASE})).known[DATABASE].name == "database"


async def test_what_has_ended_is_forgotten(start_engine: StartEngine) -> None:
    asked = ContainerNames([await start_engine(_Engine().answer)])
    await asked.answers({WEB})

    assert (await asked.answers(frozenset())).known == {}


async def test_the_answers_of_several_engines_are_put_together_and_failures_named(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    docker, podman, broken = _Engine(), _Engine(), _Engine()
    podman.running = {DATABASE: "database"}
    broken.status = 500
    for engine in (docker, podman, broken):
        await start_engine(engine.answer)

    answers = await ContainerNames([f"{tmp_path}/engine*.sock", f"{tmp_path}/absent.sock"]).answers(
        {WEB, DATABASE, "c" * 64}
    )

    assert {description.name for description in answers.known.values()} == {"web", "database"}
    ((socket, problem),) = answers.problems.items()
    assert socket == f"{tmp_path}/engine3.sock"
    assert isinstance(problem, EngineError)


async def test_an_engine_that_fails_later_does_not_take_names_back(start_engine: StartEngine) -> None:
    engine = _Engine()
    asked = ContainerNames([await start_engine(engine.answer)])
    await asked.answers({WEB})
    engine.status = 500

    answers = await asked.answers({WEB, DATABASE})

    assert {container: description.name for container, description in answers.known.items()} == {WEB: "web"}
    assert answers.unnamed == {DATABASE}
    assert len(answers.problems) == 1


async def test_a_broken_engine_is_no_problem_while_all_containers_have_names(start_engine: StartEngine) -> None:
    docker, broken = _Engine(), _Engine()
    broken.status = 500

    answers = await ContainerNames([await start_engine(docker.answer), await start_engine(broken.answer)]).answers(
        {WEB}
    )

    assert answers.problems == {}
