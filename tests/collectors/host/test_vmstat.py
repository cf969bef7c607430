from __future__ import annotations

from collectors.host.vmstat import parse


def test_the_wanted_fields_are_kept() -> None:
    text = "nr_free_pages 1\npgpgin 2\npswpout 3\npgfault 4\npgmajfault 5\noom_kill 6\npgalloc_dma 7\n"

    assert parse(text) == {"pgpgin": 2, "pswpout": 3, "pgfault": 4, "pgmajfault": 5, "oom_kill": 6}
