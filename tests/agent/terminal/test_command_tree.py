"""The command line as data."""

from agent.cli import COMMANDS, parser
from agent.terminal.command_tree import Command, read


def found(*path: str) -> Command:
    return next(command for command in read(parser()).walk() if command.path == path)


def test_all_commands_are_there_with_their_help() -> None:
    top = read(parser())

    assert [child.path for child in top.commands] == [(name,) for name in COMMANDS]
    assert [command.path for command in top.walk() if not command.help] == []


def test_options_have_their_values() -> None:
    options = {option.flags[-1]: option for option in found("doctor").options}

    assert (options["--bundle"].value, options["--bundle"].is_file) == ("FILE", True)
    assert (options["--only"].value, options["--only"].is_file) == ("NAME", False)
    assert (options["--verbose"].flags, options["--verbose"].value) == (("-v", "--verbose"), "")


def test_arguments_by_place_may_be_optional() -> None:
    (file,) = found("logs", "try").positional
    (action,) = found("service").positional

    assert (file.value, file.is_file, file.optional) == ("FILE", True, True)
    assert (action.choices, action.optional) == (("install", "uninstall", "show"), False)


def test_help_texts_have_no_place_left() -> None:
    texts = [option.help for command in read(parser()).walk() for option in command.options]

    assert [text for text in texts if "%(" in text] == []
