from pathlib import Path

from agent.bundle import private_values


def test_secrets_of_configuration_and_environment_are_known_by_their_text(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("p@ss w0rd!\n")
    path = tmp_path / "config.toml"
    path.write_text(
        f'[loki]\ntoken_file = "{tmp_path}/token"\ntenant = "${{TENANT}}"\n[[logs.sources]]\n'
        'stages = [{ metrics = { distinct = [{ salt = "grain of salt" }] } }]\n'
    )

    found = private_values.private(
        path, {"TENANT": "big customer", "DB_PASSWORD": "hunter22", "LANG": "C.UTF-8", "USER": "zoe"}
    )

    assert set(found.secrets) == {"p@ss w0rd!", "big customer", "grain of salt", "hunter22"}
    assert "zoe" in found.people
    assert "root" not in found.people


def test_each_token_of_apps_that_push_is_a_secret(tmp_path: Path) -> None:
    (tmp_path / "app.token").write_text("first-token\nsecond-token\n")
    path = tmp_path / "config.toml"
    path.write_text(f'[plugins.push]\ntoken_files = {{ stage-app = "{tmp_path}/app.token" }}\n')

    assert {"first-token", "second-token"} <= set(private_values.private(path, {}).secrets)


def test_without_a_usable_configuration_the_environments_secrets_are_still_known(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("= =")

    assert private_values.private(tmp_path / "config.toml", {"API_TOKEN": "abcdef"}).secrets == ("abcdef",)
