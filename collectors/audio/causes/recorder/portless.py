"""The names of clients without ports, of which JACK's shared memory shows only the numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet


def name_portless(
    numbers: AbstractSet[int], named: Mapping[int, str], order: Sequence[str], before: Mapping[int, str]
) -> dict[int, str]:
    """Return the names of the clients with these numbers, as far as they are certain.

    JACK gives a new client the lowest free number. While no client has ended, numbers are the order of creation.

    Args:
        numbers: The numbers of the clients without ports.
        named: The names of the clients with ports, by number; the audio driver is one of them.
        order: The names of all living clients in the order of their creation, the drivers first.
        before: The names of clients without ports so far.
    """
    candidates = [name for name in order if name not in named.values()]
    found = {number: name for number, name in before.items() if number in numbers and name in candidates}
    left = numbers - found.keys()
    strangers = [name for name in candidates if name not in found.values()]
    if all(number < len(order) and order[number] == name for number, name in (*named.items(), *found.items())):
        ranked = {number: order[number] for number in left if number < len(order) and order[number] in strangers}
        if len(ranked) == len(left):
            return found | ranked
    return found | dict(zip(left, strangers, strict=True)) if len(left) == len(strangers) == 1 else found
