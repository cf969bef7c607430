from __future__ import annotations

import pytest

from collectors.containers.identity import container_id
from tests.collectors.containers.support import WEB


@pytest.mark.parametrize(
    "path",
    [
        f"/docker/{WEB}",
        f"/system.slice/docker-{WEB}.scope",
        f"/machine.slice/libpod-{WEB}.scope",
        f"/system.slice/web.service/libpod-payload-{WEB}",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{WEB}.scope",
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b.slice/cri-containerd-{WEB}.scope",
        f"/kubepods.slice/kubepods-pod1a2b.slice/crio-{WEB}.scope",
        f"/kubepods/besteffort/pod1a2b/{WEB}",
        f"/system.slice/nerdctl-{WEB}.scope",
    ],
)
def test_a_container_is_told_by_its_path(path: str) -> None:
    assert container_id(path) == WEB


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docker",
        "/system.slice/docker.service",
        f"/machine.slice/libpod-conmon-{WEB}.scope",
        f"/kubepods.slice/crio-conmon-{WEB}.scope",
        f"/machine.slice/libpod-{WEB}.scope/container",
        f"/system.slice/docker-{WEB[:12]}.scope",
        f"/system.slice/var-lib-docker-{WEB}-merged.mount",
        f"/docker/{WEB.upper()}",
    ],
)
def test_all_else_is_no_container(path: str) -> None:
    assert container_id(path) == ""
