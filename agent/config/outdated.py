"""The outdated spellings of settings, which the agent still reads in this version."""

from __future__ import annotations

from collections.abc import Mapping


def modernize(data: Mapping[str, object]) -> tuple[dict[str, object], list[str]]:
    """Return the data of a configuration in current spellings, and a warning for each outdated one."""
    changed: dict[str, object] = dict(data)
    warnings: list[str] = []
    for section, key in (("audio", "observers"), ("containers", "measure")):
        table = changed.get(section)
        if isinstance(table, dict) and table.get(key) == "off":
            rest = {name: value for name, value in table.items() if name != key}
            changed[section] = {"enabled": False, **rest}
            warnings.append(_warning(f'{section}.{key} = "off"', f"{section}.enabled = false"))
    host = changed.get("host")
    if isinstance(host, dict) and "leave_out" in host and "exclude" not in host:
        changed["host"] = {"exclude" if name == "leave_out" else name: value for name, value in host.items()}
        warnings.append(_warning("host.leave_out", "host.exclude"))
    loki = changed.get("loki")
    if isinstance(loki, dict) and "host" in loki and "machine" not in changed:
        changed["loki"] = {name: value for name, value in loki.items() if name != "host"}
        changed["machine"] = loki["host"]
        warnings.append(_warning("loki.host", "machine, above the first section"))
    return changed, warnings


def _warning(old: str, new: str) -> str:
    return f"{old} is outdated and will be refused by a later version; write {new}"
