"""The commands about signing mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import bold, say

if TYPE_CHECKING:
    from newsletter.cli.press import Press


@click.group(short_help="Sign what is sent: keygen.")
def dkim() -> None:
    """Sign what is sent, so that mail services know it is yours (DKIM)."""


@dkim.command(short_help="Make a key, and the DNS record that publishes it.")
@click.argument("selector", required=False)
@click.option("--ed25519", is_flag=True, help="A short modern key, to be used beside one of RSA.")
@click.pass_obj
def keygen(press: Press, selector: str | None, ed25519: bool) -> None:
    """Make a key to sign with, and print the DNS record that publishes its other half.

    A key is known by its SELECTOR, "press" with year and month unless you name one. The usual key is RSA with
    2048 bits, which everybody checks; messages can have a second signature by --ed25519.

    \b
    Example:
      newsletter dkim keygen
      newsletter dkim keygen --ed25519
    """
    from newsletter.deliver.dkim import dns_record, key_path, make_key

    settings = press.config.dkim
    if selector is None:
        selector = f"press{press.today:%Y%m}{'-ed25519' if ed25519 else ''}"
    make_key(settings, selector, ed25519=ed25519)
    click.echo(dns_record(settings, selector))
    selectors = ", ".join(f'"{each}"' for each in (*settings.selectors, selector))
    path = press.shown(key_path(settings, selector))
    say(f"Made {bold(path)}: a secret, to be kept with your backups. Next:")
    say(f"  put this record into the DNS of {settings.domain}")
    say(f"  see that it is there: dig +short TXT {selector}._domainkey.{settings.domain}")
    say(f"  set in newsletter.toml, [dkim]: selectors = [{selectors}]")
