"""Where the bearer token of a login comes from, which is asked for anew at each login."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from newsletter.deliver.smtp_auth import is_token
from newsletter.deliver.smtp_protocol import Phase
from newsletter.errors import NewsletterError, Unavailable

COMMAND_SECONDS = 60.0


def token_from_secret(read: Callable[[], str]) -> str:
    """What `read` returns, if it can be a token; raises `Unavailable`."""
    hint = (
        "set NEWSLETTER_SMTP_TOKEN, or NEWSLETTER_SMTP_TOKEN_FILE to a file of mode 0600, to the token alone"
    )
    try:
        token = read()
    except NewsletterError as error:
        raise Unavailable(f"no token: {error}", hint=error.hint or hint, phase=Phase.AUTH) from error
    if not is_token(token):
        raise Unavailable("NEWSLETTER_SMTP_TOKEN is not a token", hint=hint, phase=Phase.AUTH)
    return token


def token_from_command(command: tuple[str, ...], folder: Path, seconds: float = COMMAND_SECONDS) -> str:
    """What a command prints, run in `folder` without a shell and given so many seconds.

    What it says on its standard error goes to ours, and nowhere else: nobody knows what it holds. Raises
    `Unavailable`.
    """

    def unavailable(what: str, *, passing: bool = False) -> Unavailable:
        hint = "see that token_command in [backends.smtp] prints a token and nothing else"
        return Unavailable(f"token_command {what}", hint=hint, phase=Phase.AUTH, passing=passing)

    try:
        done = subprocess.run(  # noqa: S603 - the publisher's own, from newsletter.toml
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # Whatever it printed by then may be the token: it must not hang on to the error.
        raise unavailable(f"took more than {seconds:g} seconds", passing=True) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unavailable(f"cannot be run: {reason}") from error
    if done.returncode:
        raise unavailable(f"ended with exit code {done.returncode}", passing=True)
    token = done.stdout.decode("ascii", "replace").strip()
    if not is_token(token):
        raise unavailable("printed nothing" if not token else "printed something that is not a token")
    return token
