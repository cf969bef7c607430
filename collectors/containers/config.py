"""What a user can say about containers in the configuration. Owns the section `[containers]`."""

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
"""Where Docker and Podman listen, for all users and for one."""


class ContainersConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The section `[containers]`.

    Attributes:
        measure: `containers` is each container and the whole machine; `all` is slices and services too, as cAdvisor
            does; `auto` is `all` while there is a container, and nothing while there is none; `off` is nothing.
        exclude: A regular expression; control groups whose path it is found in are left out, unless they are
            containers.
        sockets: Where to ask for names, images and labels: paths of Unix sockets, `*` stands for anything.
        labels: The containers' labels to export, each as `container_label_` and its name.
        limit: How many control groups are measured at most.
    """

    measure: Literal["auto", "containers", "all", "off"] = "auto"
    exclude: str = r"\.(mount|scope)$"
    sockets: list[str] = msgspec.field(default_factory=lambda: list(SOCKETS))
    labels: Annotated[list[str], msgspec.Meta(max_length=32)] = []
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000

    def __post_init__(self) -> None:
        """Refuse an expression that is none.

        Raises:
            ValueError: With what is wrong with it.
        """
        try:
            re.compile(self.exclude)
        except re.error as error:
            raise ValueError(f"expected a regular expression in exclude, got {self.exclude!r}: {error}") from error
