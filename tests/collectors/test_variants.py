"""A table whose only key names its variant."""

from typing import Annotated

import msgspec

from agent.config.decode import decode
from collectors.variants import Variants


class Circle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    radius: int = 1


class Square(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    side: int = 1


Shape = Annotated[msgspec.Struct, Variants({"circle": Circle, "square": Square})]


class Drawing(msgspec.Struct, frozen=True):
    shapes: list[Shape] = []


def test_the_key_names_the_variant() -> None:
    drawing, problems = decode(Drawing, {"shapes": [{"circle": {"radius": 3}}, {"square": {}}]})

    assert problems == []
    assert drawing == Drawing([Circle(3), Square()])


def test_an_unknown_key_names_the_nearest_one() -> None:
    _, problems = decode(Drawing, {"shapes": [{"cirle": {}}, {"circle": {}, "square": {}}]})

    assert [str(problem) for problem in problems] == [
        "shapes[0].cirle: unknown key; did you mean circle?",
        "shapes[1]: expected a table with one key, such as { circle = {} }, got {'circle': {}, 'square': {}}",
    ]
