"""Where tokens come from: a secret read anew, or a command that is given a minute."""

import sys
from pathlib import Path

import pytest

from newsletter.deliver.backends.tokens import token_from_command, token_from_secret
from newsletter.errors import ConfigError, Unavailable


def command(tmp_path: Path, code: str) -> str:
    return token_from_command((sys.executable, "-c", code), tmp_path, seconds=20)


def test_what_the_command_prints_is_the_token_but_for_the_space_around_it(tmp_path: Path) -> None:
    assert command(tmp_path, "print(' ya29.abc \\n')") == "ya29.abc"


def test_the_command_runs_in_the_publications_folder_and_without_a_shell(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("from-a-file\n")
    assert command(tmp_path, "print(open('token.txt').read())") == "from-a-file"
    with pytest.raises(Unavailable, match="not a token"):
        token_from_command(("echo", "$HOME"), tmp_path)


@pytest.mark.parametrize(
    ("code", "message", "passing"),
    [
        ("raise SystemExit(3)", "token_command ended with exit code 3", True),
        ("print('SECRET'); raise SystemExit(1)", "token_command ended with exit code 1", True),
        ("", "token_command printed nothing", False),
        ("print('SECRET one')", "token_command printed something that is not a token", False),
        (
            "import os; os.write(1, b'\\xff\\xfeSECRET')",
            "token_command printed something that is not a token",
            False,
        ),
    ],
)
def test_a_command_that_gives_no_token_is_named_and_what_it_printed_is_not_told(
    tmp_path: Path, code: str, message: str, passing: bool
) -> None:
    with pytest.raises(Unavailable) as raised:
        command(tmp_path, code)
    error = raised.value
    assert (error.message, error.passing, error.phase) == (message, passing, "AUTH")
    assert "SECRET" not in f"{error} {error.__cause__!r} {error.__context__!r} {error.__dict__}"
    assert error.hint == "see that token_command in [backends.smtp] prints a token and nothing else"


def test_a_command_that_takes_too_long_is_ended_and_what_it_printed_is_not_told(tmp_path: Path) -> None:
    slow = "import time; print('SECRET', flush=True); time.sleep(60)"
    with pytest.raises(Unavailable) as raised:
        token_from_command((sys.executable, "-c", slow), tmp_path, seconds=1)
    assert raised.value.message == "token_command took more than 1 seconds"
    assert raised.value.passing
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(("name", "reason"), [("no-such-command", "No such file"), ("a\0b", "null byte")])
def test_a_command_that_is_not_there_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=f"token_command cannot be run: .*{reason}") as raised:
        token_from_command((name,), tmp_path)
    assert not raised.value.passing


def test_a_secret_is_read_at_each_login() -> None:
    tokens = iter(["first", "second"])
    assert [token_from_secret(lambda: next(tokens)) for _ in range(2)] == ["first", "second"]


def test_a_secret_that_is_no_token_is_not_told() -> None:
    with pytest.raises(Unavailable, match="NEWSLETTER_SMTP_TOKEN is not a token") as raised:
        token_from_secret(lambda: "a SECRET thing")
    assert "SECRET" not in str(raised.value)


def test_a_secret_that_cannot_be_read_any_more_stops_the_run() -> None:
    def read() -> str:
        raise ConfigError("/run/token can be read by others", hint="chmod 600 /run/token")

    with pytest.raises(Unavailable, match="no token: /run/token can be read by others") as raised:
        token_from_secret(read)
    assert (raised.value.passing, raised.value.hint) == (False, "chmod 600 /run/token")
