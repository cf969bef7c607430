from __future__ import annotations

import msgspec
import pytest

from collectors.containers.config import ContainersConfig


def test_an_expression_that_is_none_is_refused_with_its_key() -> None:
    with pytest.raises(ValueError, match="expected a regular expression in exclude, got '\\('"):
        ContainersConfig(exclude="(")


def test_a_measure_there_is_not_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="measure"):
        msgspec.convert({"measure": "some"}, ContainersConfig)
