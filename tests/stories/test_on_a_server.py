"""A publication whose database is a PostgreSQL server: the same commands, the same answers."""

from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.conftest import Newsletter
from tests.stories.conftest import Mailroom, through_smtp

KEY = "2026-11-23"


@pytest.fixture
def server(cluster: Cluster, paper: Path, mailroom: Mailroom) -> str:
    """The address of an empty database, which newsletter.toml names."""
    url = cluster.empty()
    through_smtp(paper, mailroom.port)
    with (paper / "newsletter.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[store]\nurl = "{url}"\n')
    return url


def test_a_morning_on_a_server(newsletter: Newsletter, server: str, paper: Path, mailroom: Mailroom) -> None:
    empty = newsletter("status", KEY)
    assert (empty.code, empty.err) == (
        75,
        f"Error: {server}: has no tables yet\nHint: newsletter db upgrade\n",
    )
    assert newsletter("db", "upgrade").code == 0

    assert newsletter("readers", "add", "lea@example.org", "--name", "Léa").code == 0
    (paper / "list.csv").write_text("email\nmax@example.org\nzoe@example.org\n", encoding="utf-8")
    imported = newsletter("readers", "import", "list.csv", "--yes", "--source", "the fair")
    assert imported.code == 0, imported.err
    assert newsletter("readers", "list").out.count("@example.org") == 3
    assert newsletter("readers", "show", "max@example.org").out.count("the fair") == 1
    mailroom.answer = lambda to: "550 5.1.1 unknown" if to == "zoe@example.org" else "250 OK"

    assert newsletter("approve", KEY).code == 0
    sent = newsletter("send", KEY, "--here", "--yes")
    assert sent.code == 4, sent.err
    assert mailroom.recipients == ["lea@example.org", "max@example.org"]
    status = newsletter("status", KEY)
    assert "3 readers = 2 sent + 1 refused" in status.out + status.err
    assert newsletter("send", KEY, "--here", "--yes").code == 0
    assert len(mailroom.recipients) == 2

    assert newsletter("readers", "remove", "max@example.org").code == 0
    assert newsletter("readers", "erase", "lea@example.org", "--yes").code == 0
    assert newsletter("readers", "list", "--status", "active").out.count("@example.org") == 1
    report = newsletter("report")
    assert report.code == 0, report.err
    assert not (paper / ".newsletter" / "newsletter.db").exists()
