r"""The identification of containers by the path of their control group.

| manager | form of the path |
|---|---|
| Docker, Podman, containerd, CRI-O, nerdctl | `ID`, `ENGINE-ID`, `ENGINE-ID.scope`; `ID` is 64 hexadecimal digits |
| Kata Containers | `kata_ID` |
| containerd with cgroupfs below systemd | `….slice:cri-containerd:ID` |
| Amazon ECS | `/ecs/TASK/ID`, on Fargate with `TASK-NUMBER` as the identifier |
| BuildKit | `buildkit/ID`, `buildkit-ID.scope`, `….slice:buildkit:ID` |
| LXC, LXD, Incus | `lxc.payload.NAME`, `lxc.payload/NAME`, and before LXC 4 `lxc/NAME` |
| systemd-nspawn | `systemd-nspawn@NAME.service` or `machine-NAME.scope`, and the group `payload` in it |
| containerd's `ctr` | `/default/NAME` |
| Apptainer, SingularityCE | `apptainer-PID.scope`, `singularity-PID.scope` |
| runc, crun, youki without an engine | `runc-NAME.scope`, `crun-NAME.scope`, `youki-NAME.scope` |
| Nomad | `nomad.slice/…/ALLOCATION.TASK.scope`, with version 1 `nomad/ALLOCATION.TASK` |
"""

from __future__ import annotations

import re
from functools import lru_cache

PAYLOAD = "payload"
"""The group in a unit of systemd-nspawn with the container's processes; next to it is that of the supervisor."""

_ENGINE_ID = re.compile("[0-9a-f]{64}")
_ALLOCATION = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UNIT = r"/(?:systemd-nspawn@(?P<id>[^/]+)\.service|machine\.slice/machine-(?P<machine>[^/]+)\.scope)"
_MACHINE_UNIT = re.compile(rf"{_UNIT}$")
_FORMS = (
    re.compile(rf"[/:](?:(?P<engine>[a-z-]+)[-:]|kata_)?(?P<id>{_ENGINE_ID.pattern})(?:\.scope)?$"),
    re.compile(r"/ecs/[0-9a-f]{32}/(?P<id>[0-9a-f]{32}-[0-9]+)$"),
    re.compile(r"[/:]buildkit[/:-](?P<id>[0-9a-z]{20,})(?:\.scope)?$"),
    re.compile(r"/lxc(?:\.payload)?/(?P<id>[^/]+)$"),
    re.compile(r"/lxc\.payload\.(?P<id>[^/]+)$"),
    re.compile(rf"{_UNIT}(?:/{PAYLOAD})?$"),
    re.compile(r"^/default/(?P<id>[^/]+)$"),
    re.compile(r"/(?P<id>(?:apptainer|singularity)-[0-9]+)\.scope$"),
    re.compile(r"/(?:runc|crun|youki)-(?P<id>[^/]+)\.scope$"),
    re.compile(rf"/nomad(?:\.slice)?/(?:[^/]+/)?(?P<id>{_ALLOCATION}\.[^/]+?)(?:\.scope)?$"),
)
_VIRTUAL_MACHINE = "qemu-"
_NO_CONTAINER = re.compile(rf"/(?:libpod_parent|kata_overhead)/{_ENGINE_ID.pattern}$")
"""The group of a pod of Podman with cgroupfs, whose containers are named `libpod-ID`, and that of Kata's own processes.
"""

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


@lru_cache(maxsize=2048)  # the same groups are looked at every few seconds
def container_id(path: str) -> str:
    """Return the identifier of the container with this control group; empty if it is not a container.

    The monitors that Podman and CRI-O start next to a container carry its identifier too.
    """
    if _NO_CONTAINER.search(path):
        return ""
    for form in _FORMS:
        if found := form.search(path):
            groups = found.groupdict("")
            name = groups["id"] or _unescaped(groups.get("machine", ""))
            is_other = groups.get("engine", "").endswith("conmon") or name.startswith(_VIRTUAL_MACHINE)
            return "" if is_other else _unescaped(name)
    return ""


def has_engine_id(container: str) -> bool:
    """Return whether an engine such as Docker gave the identifier; other managers use the container's name."""
    return _ENGINE_ID.fullmatch(container) is not None


def payload(path: str) -> str:
    """Return the path of the payload in a unit of systemd-nspawn; empty for another group."""
    return f"{path}/{PAYLOAD}" if _MACHINE_UNIT.search(path) else ""


def _unescaped(name: str) -> str:
    r"""Return a name without systemd's escapes, such as `\x2d` for a hyphen."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)
