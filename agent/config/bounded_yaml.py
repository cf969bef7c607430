"""Plain data from YAML, within the bounds of `agent.config.bounds`: aliases repeat or contain a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config.bounds import MAX_DEPTH, MAX_VALUES, BoundsError

if TYPE_CHECKING:
    import yaml


class YamlError(ValueError):
    """The text is no YAML, has an invalid value, or is too deep or too large."""


def parse(text: str) -> object:
    """Return the plain data of a text. The caller bounds its size: 128 KiB take about a second.

    Raises:
        YamlError: In one line, with the place as far as it is known.
    """
    import yaml

    try:
        return _parsed(text)
    except (yaml.YAMLError, BoundsError) as error:
        raise YamlError(" ".join(str(error).split())) from error
    except RecursionError:
        raise YamlError(str(BoundsError())) from None
    except (ValueError, OverflowError) as error:  # such as a date that does not exist
        raise YamlError(f"invalid value: {error}") from error


def _parsed(text: str) -> object:
    loader = _loader()(text)
    try:
        node = loader.get_single_node()
        _check_nodes(node)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _check_nodes(node: yaml.Node | None) -> None:
    """Refuse a graph of nodes that is too deep or too large. A node counts each time that it is referenced."""
    rest = [(node, 0)]
    count = 0
    while rest:
        found, depth = rest.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_VALUES:
            raise BoundsError
        inner = getattr(found, "value", None)
        if isinstance(inner, list):  # pairs of nodes in a mapping, nodes in a sequence
            rest += [(it, depth + 1) for one in inner for it in (one if isinstance(one, tuple) else (one,))]


def _loader() -> type[yaml.SafeLoader]:
    """Return a loader of plain data that refuses duplicate keys."""
    import yaml

    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - the base's
            seen: set[tuple[str, str]] = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value!r}", node.start_mark)
                seen.add((key.tag, key.value))
            return super().construct_mapping(node, deep)

    return Strict
