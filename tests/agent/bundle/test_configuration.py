from agent.bundle import configuration

CONFIG = """
# the password is hunter2
log_level = "debug"
[web]
listen = ":9787"
password = "hunter2"
[loki]
url = "https://loki.example"
tenant = "customer-x"
batch_size = "1MiB"
connections = 4
[[logs.sources]]
name = "engine"
journal = true
labels = { name = "anna", where = "hall" }
stages = [{ regex = { pattern = "secret (.*)" } }, { labels = { fields = ["level"] } }]
"""


def test_only_settings_of_the_configuration_are_shown() -> None:
    assert list(configuration.lines(CONFIG)) == [
        'log_level = "debug"',
        'web.listen = ":9787"',
        'web.password = "[blanked]"',
        'loki.url = "https://loki.example"',
        'loki.tenant = "[blanked]"',
        'loki.batch_size = "1MiB"',
        "loki.connections = 4",
        'logs.sources[0].name = "engine"',
        "logs.sources[0].journal = true",
        'logs.sources[0].labels.name = "[blanked]"',
        'logs.sources[0].labels.where = "[blanked]"',
        'logs.sources[0].stages[0].regex.pattern = "[blanked]"',
        'logs.sources[0].stages[1].labels.fields = ["level"]',
    ]


def test_of_what_is_no_toml_only_keys_are_shown() -> None:
    shown = "\n".join(configuration.lines('[web]\npassword = "hunter2\nlisten = :9787\nhunter2\n'))

    assert "[web]" in shown
    assert "listen = [blanked]" in shown
    assert "hunter2" not in shown
