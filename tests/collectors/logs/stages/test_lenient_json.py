import pytest

from collectors.logs.stages.lenient_json import members


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": 1, "b": "x"}', {"a": 1, "b": "x"}),
        (b'\xef\xbb\xbf {"a": NaN}\0\0', {"a": pytest.approx(float("nan"), nan_ok=True)}),
        (b'{"a":"tab\there"}', {"a": "tab\there"}),
        (b'{"a":"\\x22\\xE5\\xAE\\xBF"}', {"a": '"宿'}),
        (b'{"a":"\\\\x22"}', {"a": "\\x22"}),
        (b'{"a":-,"b":,"c":- }', {"a": None, "b": None, "c": None}),
        (b'{"a":-1}', {"a": -1}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"\\ud800":["\\ud83d\\ude00"]}', {"\ufffd": ["😀"]}),
        (b'\x1b[32m{"a":1}\x1b[0m', {"a": 1}),
        ('{"a":"ü"}', {"a": "ü"}),
        (b"{}", {}),
    ],
)
def test_members_are_read_though_strict_decoders_refuse_them(text: bytes | str, expected: dict[str, object]) -> None:
    assert members(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"b":"cut',
        b'{"a":1,"b"',
        b'{"a":1,b:2}',
        b'{"a":1 "b":2}',
        b'{"a":1,"b":tru',
        b'{"a":1,"b":' + b"[" * 9999,
    ],
)
def test_members_up_to_the_first_unreadable_one_are_returned(text: bytes) -> None:
    assert members(text) == {"a": 1}


@pytest.mark.parametrize("text", [b"", b"[1]", b'"a"', b"plain text"])
def test_a_text_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="expected an object"):
        members(text)
