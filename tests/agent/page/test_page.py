"""The page's files: their content, and their headers."""

import re

import pytest

from agent import page
from tests.support.agent import AgentProcess

MOST_BYTES = 60_000


def test_the_page_is_light_and_needs_nobody_else() -> None:
    texts = {name: body.decode() for name, body in page.FILES.items()}

    assert sum(map(len, page.FILES.values())) < MOST_BYTES
    elsewhere = [url for text in texts.values() for url in re.findall(r"\w+://[^\"'\s]+", text)]
    assert set(elsewhere) == {"http://www.w3.org/2000/svg"}, "the name of SVG, which is never fetched"


def test_text_is_never_taken_for_markup() -> None:
    scripts = [body.decode() for name, body in page.FILES.items() if name.endswith(".js")]

    assert not any(word in text for text in scripts for word in ("innerHTML", "outerHTML", "insertAdjacent", "eval("))


def test_every_file_that_is_asked_for_is_there() -> None:
    asked = {
        name for body in page.FILES.values() for name in re.findall(r'(?:/-/assets/|from "\./)([\w.]+)"', body.decode())
    }

    assert asked | {"index.html"} == set(page.FILES)


def test_a_browser_is_told_to_run_nothing_but_the_files(shared_agent: AgentProcess) -> None:
    for name in page.FILES:
        status, headers, body = shared_agent.get(f"/-/assets/{name}")
        assert (status, body.encode()) == (200, page.FILES[name])
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Type"] != "application/octet-stream"
    _, headers, body = shared_agent.get("/")
    assert body.encode() == page.FILES["index.html"]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", body)


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2F__init__.py", "..%2F..%2Fweb.py"])
def test_other_files_are_not_served(shared_agent: AgentProcess, name: str) -> None:
    assert shared_agent.get(f"/-/assets/{name}")[0] == 404
