from __future__ import annotations

import pytest

from collectors.containers.identity import container_id, has_engine_id
from tests.collectors.containers.support import WEB

ALLOCATION = "1a2b3c4d-0001-0002-0003-00000000000e"


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
        f"/system.slice/crun-{WEB}.scope",
        f"/system.slice/containerd.service/kubepods-burstable-pod36b6d6be.slice:cri-containerd:{WEB}",
        f"/system.slice:docker:{WEB}",
        f"/kubepods/burstable/pod1a2b/crio-{WEB}",
        f"/ecs/0123456789abcdef0123456789abcdef/{WEB}",
        f"/default/{WEB}",
        f"/kubepods/besteffort/pod1a2b/kata_{WEB}",
    ],
)
def test_an_engines_container_is_known_by_its_path(path: str) -> None:
    assert container_id(path) == WEB
    assert has_engine_id(WEB)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/lxc.payload.studio", "studio"),
        ("/lxc.payload.project_studio", "project_studio"),
        ("/user.slice/user-1000.slice/user@1000.service/lxc.payload.studio", "studio"),
        ("/lxc.payload/studio", "studio"),
        ("/lxc/100", "100"),
        ("/machine.slice/systemd-nspawn@studio.service", "studio"),
        ("/machine.slice/systemd-nspawn@studio.service/payload", "studio"),
        (r"/machine.slice/machine-mix\x2droom.scope", "mix-room"),
        (r"/machine.slice/machine-mix\x2droom.scope/payload", "mix-room"),
        ("/docker/buildkit/7k3yo1q2z9u5x8h4w6t0r2v1n", "7k3yo1q2z9u5x8h4w6t0r2v1n"),
        ("/system.slice/buildkit-7k3yo1q2z9u5x8h4w6t0r2v1n.scope", "7k3yo1q2z9u5x8h4w6t0r2v1n"),
        ("/system.slice:buildkit:7k3yo1q2z9u5x8h4w6t0r2v1n", "7k3yo1q2z9u5x8h4w6t0r2v1n"),
        (f"/ecs/{WEB[:32]}/{WEB[:32]}-1234567890", f"{WEB[:32]}-1234567890"),
        ("/default/redis", "redis"),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/apptainer-4711.scope", "apptainer-4711"),
        ("/system.slice/runc-mixer.scope", "mixer"),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/crun-mixer.scope", "mixer"),
        ("/system.slice/youki-mixer.scope", "mixer"),
        (f"/nomad.slice/share.slice/{ALLOCATION}.mixer.scope", f"{ALLOCATION}.mixer"),
        (f"/nomad.slice/{ALLOCATION}.mixer.scope", f"{ALLOCATION}.mixer"),
        (f"/nomad/{ALLOCATION}.mixer", f"{ALLOCATION}.mixer"),
        ("/system.slice/singularity-4711.scope", "singularity-4711"),
    ],
)
def test_a_container_of_another_manager_has_its_name(path: str, name: str) -> None:
    assert container_id(path) == name
    assert not has_engine_id(name)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docker",
        "/nomad.slice/share.slice",
        "/nomad/share",
        "/system.slice/docker.service",
        f"/machine.slice/libpod-conmon-{WEB}.scope",
        f"/kubepods.slice/crio-conmon-{WEB}.scope",
        f"/machine.slice/libpod-{WEB}.scope/container",
        f"/system.slice/docker-{WEB[:12]}.scope",
        f"/system.slice/var-lib-docker-{WEB}-merged.mount",
        f"/docker/{WEB.upper()}",
        f"/system.slice/var-lib-docker-containers-{WEB}-shm.mount",
        f"/machine.slice/machine-libpod_pod_{WEB}.slice",
        f"/libpod_parent/{WEB}",
        f"/kata_overhead/{WEB}",
        "/lxc",
        "/lxc.monitor.studio",
        "/lxc.payload.studio/system.slice",
        "/lxc/100/ns",
        "/machine.slice/systemd-nspawn@studio.service/supervisor",
        r"/machine.slice/machine-qemu\x2d1\x2dwindows.scope",
        "/system.slice/buildkit.service",
        "/user.slice/default/redis",
    ],
)
def test_all_else_is_no_container(path: str) -> None:
    assert container_id(path) == ""
