import pytest

from agent.config.loader import parse


def problems(section: str) -> str:
    with pytest.raises(Exception, match="remote_write") as caught:
        parse(f"[remote_write]\n{section}\n", "file")
    return str(caught.value)


def test_the_section_is_read_with_units() -> None:
    config = parse(
        'machine = "studio-7"\n[remote_write]\nurl = "https://m.example/api/v1/write"\ninterval = "30s"\n'
        'keep = ["node_.*"]\nlabels = { role = "studio" }\nmax_size = "64MiB"\nmax_age = "2d"\nrate = "256KiB"\n',
        "file",
    )

    section = config.remote_write
    assert (section.url, section.interval, section.keep) == ("https://m.example/api/v1/write", 30.0, ("node_.*",))
    assert (section.labels, section.max_size, section.max_age, section.rate) == (
        {"role": "studio"},
        64 << 20,
        2 * 86400.0,
        256 << 10,
    )
    assert config.machine_name == "studio-7"


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ('url = "metrics.example/write"', "expected an http or https URL"),
        ('url = "https://me:secret@m.example/write"', "expected a URL without a user or a password, got one with them"),
        ('proxy = "http://me:secret@proxy:3128"', "expected a URL without a user or a password, got one with them"),
        ('interval = "10ms"', "expected an interval between 0.1s and 240s, got 0.01s"),
        ('interval = "5m"', "expected an interval between 0.1s and 240s, got 300s"),
        ('max_size = "10KiB"', "expected a max_size of at least 1MiB"),
        ('max_age = "1s"', "expected a max_age of at least the interval"),
        ('rate = "1KiB"', "expected a rate of at least 16KiB"),
        ('keep = ["node_(", "up"]', "remote_write.keep[0]: expected a regular expression"),
        ('labels = { "a-b" = "c" }', "expected label names such as 'role' in labels, got 'a-b'"),
        ('labels = { job = "mine" }', "expected no 'job' in labels"),
        ('password_file = "/x"', "expected username together with password_file"),
        ('urls = "x"', "did you mean url?"),
    ],
)
def test_settings_that_cannot_work_are_refused(section: str, says: str) -> None:
    found = problems(section)

    assert says in found
    assert "secret" not in found
