"""An alert -> a command of the publisher's own, which reads its text."""

import os
import subprocess
from pathlib import Path

from newsletter.alerts.alert import Alert
from newsletter.errors import ConfigError, Unavailable
from newsletter.settings import without_secrets

SECONDS = 30.0


def run_command(alert: Alert, command: tuple[str, ...], folder: Path, seconds: float = SECONDS) -> None:
    """Run a command in `folder`, without a shell, with the alert's text on its standard input.

    What it prints goes to our standard error. Raises ConfigError if it cannot be run, or Unavailable if it
    fails or takes more than so many seconds.
    """
    where = f"[alerts] command {command[0]!r}"
    try:
        done = subprocess.run(  # noqa: S603 - the publisher's own, from newsletter.toml
            command,
            cwd=folder,
            env=without_secrets(os.environ),
            input=alert.text.encode(),
            stdout=2,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"took more than {seconds:g} seconds", where=where) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot be run: {reason}", where=where) from error
    if done.returncode:
        raise Unavailable(f"ended with exit code {done.returncode}", where=where)
