"""How issues leave: [relays.NAME], their shares and their secrets."""

from pathlib import Path

import pytest

from newsletter.config import Config, read_config
from newsletter.errors import ConfigError
from newsletter.ways import Relay, shared_out
from tests.conftest import SETTINGS

CONNECTIONS = "[relays.a] connections: 0 is not a whole number from 1 to 1000"
SMTP = '[relays.paris]\nbackend = "smtp"\nhost = "paris.example"\nusername = "ada"\n'


def read(folder: Path, more: str, **environment: str) -> Config:
    (folder / "newsletter.toml").write_text(SETTINGS + more, encoding="utf-8")
    return read_config(folder, environment)


def test_without_tables_there_is_one_relay_the_backend_of_send(tmp_path: Path) -> None:
    (relay,) = read(tmp_path, "per_second = 12\nconnections = 3\n").relays
    assert (relay.name, relay.backend, relay.per_second, relay.connections, relay.share) == (
        "main",
        "folder",
        12,
        3,
        1,
    )


def test_a_relay_has_what_send_has_but_for_what_it_says(tmp_path: Path) -> None:
    text = 'per_second = 12\n[relays.a]\nper_second = 5\n[relays.b]\nbackend = "smtp"\nshare = 3\n'
    first, second = read(tmp_path, text).relays
    assert (first.name, first.backend, first.per_second, first.share) == ("a", "folder", 5, 1)
    assert (second.name, second.backend, second.per_second, second.share) == ("b", "smtp", 12, 3)
    assert second.where == "newsletter.toml:14"


def test_a_relays_own_secret_stands_before_the_common_one(tmp_path: Path) -> None:
    environment = {
        "NEWSLETTER_SMTP_PASSWORD": "common",
        "NEWSLETTER_PARIS_SMTP_PASSWORD": "of paris",
    }
    paris, lyon = read(tmp_path, SMTP + SMTP.replace("paris", "lyon"), **environment).relays
    assert paris.table.secret("SMTP_PASSWORD") == "of paris"
    assert lyon.table.secret("SMTP_PASSWORD") == "common"


def test_a_relays_own_secret_in_a_file_stands_before_the_common_one(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("in a file\n", encoding="utf-8")
    secret.chmod(0o600)
    environment = {
        "NEWSLETTER_SMTP_PASSWORD": "common",
        "NEWSLETTER_RELAY_2_SMTP_PASSWORD_FILE": str(secret),
    }
    (relay,) = read(tmp_path, SMTP.replace("paris]", "relay-2]"), **environment).relays
    assert relay.table.secret("SMTP_PASSWORD") == "in a file"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("[relays.Paris]\n", "newsletter.toml:10", "'Paris' cannot be the name of a relay"),
        ("[relays.a]\nshare = 0\n", "newsletter.toml:11", "no relay has a share of an issue"),
        ("[relays.a]\nconnections = 0\n", "newsletter.toml:11", CONNECTIONS),
        ("[relays]\na = 1\n", "newsletter.toml:11", "[relays.a] is not a table"),
    ],
)
def test_a_relay_that_cannot_be_is_named_with_its_line(
    tmp_path: Path, text: str, where: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert (caught.value.where, caught.value.message) == (where, message)


def test_a_setting_that_neither_relay_nor_backend_knows_is_a_mistake(tmp_path: Path) -> None:
    from newsletter.deliver.backend import find_backend

    (relay,) = read(tmp_path, SMTP + 'hots = "x"\n', NEWSLETTER_SMTP_PASSWORD="secret").relays
    with pytest.raises(ConfigError, match="unknown setting 'hots'") as caught:
        find_backend(relay.backend, relay.table, where=relay.where)
    assert caught.value.where == "newsletter.toml:14"


def relay(name: str, share: float) -> Relay:
    from newsletter.settings import Table

    table = Table({}, name="relays", root=Path())
    return Relay(name=name, backend="smtp", table=table, where="", per_second=0, connections=1, share=share)


def test_batches_are_shared_out_in_proportion_and_in_turn() -> None:
    relays = (relay("paris", 2), relay("lyon", 1), relay("spare", 0))
    assert shared_out(relays, 6) == ["paris", "lyon", "paris", "paris", "lyon", "paris"]
