from __future__ import annotations

import os
import pwd
import shlex
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest

from collectors.plugins.refusals import Reason, RefusedError
from collectors.plugins.trust import Process, Trust, listening_process, start_of
from tests.collectors.plugins.conftest import Bind

OWN = Trust.of([])
STRANGER = os.geteuid() + 12_345


def test_the_parents_of_a_directory_must_be_trusted_too(tmp_path: Path) -> None:
    inner = tmp_path / "open" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o777)
    problem = OWN.directory_problem(inner)
    assert problem is not None
    assert "open is writable by others (mode 0777)" in problem.detail
    command, _, _ = problem.remedy.partition("#")
    subprocess.run(shlex.split(command), check=True)

    assert OWN.directory_problem(inner) is None


def test_strangers_are_not_trusted(directory: Path, bind: Bind) -> None:
    path = bind("synth.11.sock")
    somebody = Trust(frozenset({STRANGER}))

    for problem in (somebody.directory_problem(directory), somebody.socket_problem(str(path), path.lstat())):
        assert problem is not None
        assert "which is not trusted" in problem.detail
        assert tomllib.loads(problem.remedy)["users"] == [pwd.getpwuid(os.geteuid()).pw_name]
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        OWN.check_peer(peer)
        with pytest.raises(RefusedError) as refused:
            somebody.check_peer(peer)
    assert refused.value.reason is Reason.UNTRUSTED_PEER


def test_users_are_trusted_by_name_or_number() -> None:
    trust = Trust.of(["root", str(STRANGER), "nobody-of-this-name"])

    assert trust.uids == {0, os.geteuid(), STRANGER}
    assert trust.unknown == ("nobody-of-this-name",)


def test_the_process_that_listens_is_known(bind: Bind) -> None:
    path = bind("synth.11.sock")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))

        assert listening_process(peer) == Process(os.getpid(), start_of(os.getpid()))
    assert start_of(os.getpid()) > 0
    assert start_of(2**30) == 0
