from __future__ import annotations

import pytest

from collectors.host.promfile import parse
from collectors.metrics import Family, HistogramValue, SummaryValue


def _parsed(text: str) -> dict[str, Family]:
    return {family.name: family for family in parse(text.encode(), "a.prom")}


def test_families_have_the_type_and_help_that_the_file_gives_them() -> None:
    found = _parsed(
        "# HELP backup_seconds Time of the backup.\n# TYPE backup_seconds gauge\n"
        'backup_seconds{disk="samples",host="a\\\\b"} 1.5e3\n\n# a remark\n'
        "# TYPE backups_total counter\nbackups_total 7\nunheard 1\n"
    )

    backup = found["backup_seconds"]
    assert (backup.type, backup.help, backup.labels) == ("gauge", "Time of the backup.", ("disk", "host"))
    assert backup.samples == {("samples", "a\\b"): 1500}
    assert (found["backups_total"].type, found["backups_total"].samples) == ("counter", {(): 7})
    assert (found["unheard"].type, found["unheard"].help) == ("unknown", "Metric read from a.prom")
    assert all(family.foreign for family in found.values())


def test_series_of_other_labels_are_families_of_one_name() -> None:
    families = parse(b'x{a="1"} 1\nx{b="2"} 2\nx 3\n', "a.prom")

    assert sorted(family.labels for family in families) == [(), ("a",), ("b",)]


def test_a_histogram_and_a_summary_are_put_together() -> None:
    found = _parsed(
        "# TYPE h histogram\n"
        'h_bucket{d="x",le="1"} 2\nh_bucket{d="x",le="5"} 3\nh_bucket{d="x",le="+Inf"} 4\n'
        'h_sum{d="x"} 9.5\nh_count{d="x"} 4\n'
        "# TYPE s summary\n"
        's{quantile="0.5"} 3\ns_sum 10\ns_count 4\n'
    )

    assert found["h"].samples == {("x",): HistogramValue((1.0, 5.0), (2, 1, 1), 9.5)}
    assert found["s"].samples == {(): SummaryValue(4, 10)}
    assert set(found) == {"h", "s"}


def test_a_histogram_may_lack_its_sum() -> None:
    found = _parsed('# TYPE h histogram\nh_bucket{le="-1"} 2\nh_bucket{le="+Inf"} 4\nh_count 4\n')

    assert found["h"].samples == {(): HistogramValue((-1.0,), (2, 2), None)}


@pytest.mark.parametrize(
    "text",
    ["\t#  TYPE\ta  counter \r\n\r\n a 1 \t\r\n", "#TYPE a COUNTER\na\t1\n", '# TYPE "a" counter\n{"a"} 1\n'],
)
def test_a_counter_may_be_written_in_every_legal_way(text: str) -> None:
    assert [(family.name, family.type, family.samples) for family in parse(text.encode(), "a.prom")] == [
        ("a", "counter", {(): 1})
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x 1\ny", "half written"),
        ("x 1\ny 2 1700000000000\n", "y has a timestamp"),
        ('x{a="1"} 1\nx{a="1"} 2\n', "given twice"),
        ("# TYPE x gauge\n# TYPE x counter\nx 1\n", "two types"),
        ("# TYPE x gauges\nx 1\n", "got 'gauges'"),
        ("x one\n", "one"),
        ('{"x.y"} 1\n', "expected names of letters"),
        ('x{"a.b"="1"} 1\n', "expected names of letters"),
        ("x 1_000\n", "1_000"),
        ('x{a="1} 1\n', "expected a line such as"),
        ("# TYPE h histogram\nh_sum 1\n", "expected a count"),
        ('# TYPE h histogram\nh_bucket{le="1"} 5\nh_sum 1\nh_count 4\n', "counts that rise"),
        ('# TYPE h histogram\nh_bucket{le="1"} 0.5\nh_sum 1\nh_count 4\n', "counts that rise"),
        ('# TYPE h histogram\nh_bucket{le="1"} NaN\nh_sum 1\nh_count 4\n', "counts that rise"),
        ('# TYPE h histogram\nh_bucket{le="one"} 1\nh_sum 1\nh_count 4\n', "one"),
        ("# TYPE h histogram\nh_sum 1\nh_count +Inf\n", "whole numbers"),
        ("# TYPE s summary\ns_sum 1\ns_count NaN\n", "whole numbers"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_it(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse(text.encode(), "a.prom")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        parse(b'x{a="\xff"} 1\n', "a.prom")
