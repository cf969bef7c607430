"""The identification of containers by the path of their control group.

The engines name the group of a container by its identifier, 64 hexadecimal digits, alone where they write to the tree
themselves (`/docker/<id>`, `/kubepods/burstable/pod…/<id>`), and between their own name and `.scope` where they ask
systemd (`docker-<id>.scope`, `libpod-<id>.scope`, `crio-<id>.scope`, `cri-containerd-<id>.scope`).
"""

from __future__ import annotations

import re

_CONTAINER = re.compile(r"/(?:(?P<engine>[a-z-]+)-)?(?P<id>[0-9a-f]{64})(?:\.scope)?$")


def container_id(path: str) -> str:
    """Return the identifier of the container with this control group; empty if it is not a container.

    The monitors that Podman and CRI-O start next to a container carry its identifier too.
    """
    found = _CONTAINER.search(path)
    if found is None or (found["engine"] or "").endswith("conmon"):
        return ""
    return found["id"]
