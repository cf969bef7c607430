"""Labels from the path of a log file, including the container paths of Docker and Kubernetes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from collectors import regular_file
from collectors.logs.files.names import shown

_PATHS = (
    # Kubernetes: the layout of kubelet, and its links for tools.
    re.compile(r".*/pods/(?P<namespace>[^_/]+)_(?P<pod>[^_/]+)_[^/]+/(?P<container>[^/]+)/\d+\.log"),
    re.compile(r".*/containers/(?P<pod>[^_/]+)_(?P<namespace>[^_/]+)_(?P<container>[^/]+)-[0-9a-f]{64}\.log"),
)
_DOCKER = re.compile(r".*/containers/(?P<id>[0-9a-f]{64})/(?P=id)-json\.log")
_SHORT_ID = 12
_MOST_BYTES = 1 << 20


class _DockerConfig(msgspec.Struct, rename="pascal"):
    name: str = ""


def file_labels(path: str) -> dict[str, str]:
    """Return `filename`; for a container also `container`, in Kubernetes `namespace` and `pod`."""
    labels = {"filename": shown(path)}
    for pattern in _PATHS:
        if found := pattern.fullmatch(path):
            return labels | {name: shown(value) for name, value in found.groupdict().items()}
    if found := _DOCKER.fullmatch(path):
        labels["container"] = _docker_name(Path(path).parent) or found["id"][:_SHORT_ID]
    return labels


def _docker_name(folder: Path) -> str:
    """Return the name of a Docker container; empty if unreadable."""
    try:
        content = regular_file.read(folder / "config.v2.json", _MOST_BYTES)
        config = msgspec.json.decode(content, type=_DockerConfig)
    except (OSError, msgspec.DecodeError, RecursionError):
        return ""
    return config.name.removeprefix("/")
