"""The section `[containers]` of the configuration."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

SOCKETS = (
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/user/*/docker.sock",
    "/run/user/*/podman/podman.sock",
)
"""The sockets of Docker and Podman, of the system and of each user."""


class ContainersConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[containers]`.

    Attributes:
        enabled: True to measure containers.
        measure: `containers` is each container and the whole machine; `all` is slices and services too, as cAdvisor
            does; `auto` is `all` while there is a container, and nothing while there is none.
        exclude: A regular expression; control groups whose path matches are left out, unless they are containers.
        sockets: The engines' Unix sockets, which return names, images and labels; `*` matches anything.
        labels: The containers' labels to export, each as `container_label_` and its name.
        task_states: Whether to count each container's processes by state, which costs a read per process and scrape.
        limit: The limit of measured control groups.
    """

    enabled: bool = True
    measure: Literal["auto", "containers", "all"] = "auto"
    exclude: str = r"\.(mount|scope)$"
    sockets: list[str] = msgspec.field(default_factory=lambda: list(SOCKETS))
    labels: Annotated[list[str], msgspec.Meta(max_length=32)] = []
    task_states: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000

    def __post_init__(self) -> None:
        """Check the regular expression.

        Raises:
            ValueError: It does not compile.
        """
        try:
            re.compile(self.exclude)
        except re.error as error:
            raise ValueError(f"expected a regular expression in exclude, got {self.exclude!r}: {error}") from error
