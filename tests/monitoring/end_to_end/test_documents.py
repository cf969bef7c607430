"""The queries of the documents, run against the servers of the site."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.documents import commands
from tests.support.monitoring import MONITORING
from tests.support.site import Site
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

ASKING = [
    (document.stem, words)
    for document in sorted((MONITORING / "docs").glob("*.md"))
    for words in commands(document)
    if words[0] in {"amtool", "curl", "promtool"}
]


def ask(site: Site, words: list[str]) -> subprocess.CompletedProcess[str]:
    addresses = {
        "http://127.0.0.1:9090": site.stack.prometheus.url,
        "http://127.0.0.1:9093": site.stack.alertmanager,
    }
    for shown, real in addresses.items():
        words = [word.replace(shown, real) for word in words]
    fails = ["--fail"] if words[0] == "curl" else []
    return subprocess.run([*words, *fails], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "words", [words for _, words in ASKING], ids=[f"{document}-{words[0]}" for document, words in ASKING]
)
def test_a_command_of_the_documents_is_answered(site: Site, words: list[str]) -> None:
    done = ask(site, words)

    assert done.returncode == 0, done.stderr


def test_the_page_that_the_setup_guide_sends_arrives(site: Site) -> None:
    (words,) = [words for document, words in ASKING if document == "setup" and "add" in words]
    ask(site, words)

    def arrived() -> bool:
        payloads = [it["payload"] for it in site.seen.pagerduty if it["event_action"] == "trigger"]
        return any("A test." in it["custom_details"]["alerts"] for it in payloads)

    eventually(arrived, "PagerDuty has the test's event")
