"""An editor's morning: start an issue, fill it, look at it, test it, send it, ask what became of it."""

import email
import email.policy
import json
from pathlib import Path

from tests.conftest import ISSUE, Newsletter, write_issue
from tests.stories.conftest import Mailroom, readers_file, through_smtp

PASTED = """\
Le Quotidien du Test

Une boulangerie ouvre sur la Lune
Ada Test

Suivre l'actu en 5 minutes

Inscrivez-vous : toute l'actu par e-mail, le matin. Gratuitement.*

* Cliquez ici pour lire nos anciens numéros.

Le premier croissant lunaire sort du four, en apesanteur.

Dans les faits : le four pèse 38 tonnes. Il y a deux clients :

  • un robot
  • un astronaute

Bref : "Le pain est léger", a déclaré Ada Test.
"""


def test_from_a_new_issue_to_everybody_accounted_for(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)

    started = newsletter("new")
    assert started.code == 0
    assert (paper / "issues" / "2026-11-24" / "issue.md").exists()

    (paper / "brief.txt").write_text(PASTED, encoding="utf-8")
    imported = newsletter("import", "brief.txt", "--issue", "2026-11-23")
    assert imported.code == 0, imported.err
    file = paper / "issues/2026-11-23/02-une-boulangerie-ouvre-sur-la-lune.md"
    article = file.read_text(encoding="utf-8")
    assert "**Dans les faits :**" in article
    assert "Cliquez ici" not in article
    assert "Cliquez ici" in imported.err

    # The importer was not sure of the first line, so nothing leaves until the editor has settled it.
    marked = newsletter("check", "2026-11-23")
    assert marked.code == 3
    assert "02-une-boulangerie-ouvre-sur-la-lune.md:6:22: error" in marked.out
    kept = [line for line in article.split("\n") if "À VÉRIFIER" not in line]
    file.write_text("\n".join(kept), encoding="utf-8")
    assert newsletter("check", "2026-11-23").code == 0
    built = newsletter("build", "2026-11-23", "-o", "preview")
    assert built.out.split() == ["preview/issue.html", "preview/issue.txt", "preview/issue.eml"]
    assert "croissant lunaire" in (paper / "preview/issue.html").read_text(encoding="utf-8")

    tested = newsletter("test", "2026-11-23", "--to", "ada@example.org")
    assert (tested.code, tested.err) == (0, "ada@example.org: sent, 250 OK\n")
    _, content = mailroom.accepted.pop()
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Subject"] == "[TEST] Un numéro pour les tests\u00a0: tout y est"
    assert "/leave/test>" in str(message["List-Unsubscribe"])
    assert newsletter("status", "2026-11-23").err == "2026-11-23 was not sent.\n"

    readers_file(paper, 20)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0
    sent = newsletter("send", "--yes")
    assert sent.code == 0, sent.err
    assert sent.err.endswith("20 readers = 20 sent\n")
    assert mailroom.recipients == sorted(f"lecteur{n}@example.org" for n in range(20))
    for recipient, content in mailroom.accepted:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert [address.addr_spec for address in message["To"].addresses] == [recipient]
        assert "Bonjour Lectrice" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    ids = {email.message_from_bytes(content)["Message-ID"] for _, content in mailroom.accepted}
    assert len(ids) == 20

    status = json.loads(newsletter("status", "--json").out)
    assert (status["audience"], status["sent"], status["holds"], status["not_sent"]) == (20, 20, True, [])

    again = newsletter("send", "--yes")
    assert (again.code, len(mailroom.accepted)) == (0, 20)
    assert "Nothing is owed any more: 20 readers = 20 sent" in again.err


def test_what_was_frozen_goes_on_whatever_happens_to_the_files(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    (paper / "newsletter.toml").write_text(
        (paper / "newsletter.toml").read_text(encoding="utf-8").replace("[send]", '[send]\npatience = "0s"'),
        encoding="utf-8",
    )
    readers_file(paper, 4)
    newsletter("readers", "import", "readers.csv", "--source", "the fair")
    mailroom.answer = lambda recipient: "451 later" if recipient.startswith("lecteur2") else "250 OK"
    first = newsletter("send", "--yes")
    assert first.code == 4
    assert "4 readers = 3 sent + 1 owed" in first.err
    assert "newsletter send 2026-11-23" in first.err
    assert newsletter("status").code == 4

    mailroom.answer = lambda recipient: "250 OK"
    write_issue(paper, "2026-11-23", issue=ISSUE.replace("Deux mots", "Trois mots"))
    early = newsletter("send", "--yes")
    assert "Its files have changed since; what was frozen goes on." in early.err
    assert early.code == 4  # greylisted a moment ago: not due for five minutes
    late = newsletter("send", "--yes", clock="2026-11-23T07:00")
    assert late.code == 0
    assert mailroom.recipients == [f"lecteur{n}@example.org" for n in range(4)]
    bodies = {content for _, content in mailroom.accepted if b"Trois" in content}
    assert bodies == set()


def test_whoever_is_refused_is_named_and_whoever_left_gets_nothing(
    paper: Path, newsletter: Newsletter, mailroom: Mailroom
) -> None:
    through_smtp(paper, mailroom.port)
    readers_file(paper, 3)
    newsletter("readers", "import", "readers.csv", "--source", "the fair")
    assert newsletter("readers", "remove", "lecteur0@example.org").code == 0
    mailroom.answer = lambda recipient: "550 no such user" if recipient.startswith("lecteur1") else "250 OK"
    sent = newsletter("send", "--yes")
    assert sent.code == 4
    assert "2 readers = 1 sent + 1 refused" in sent.err
    assert mailroom.recipients == ["lecteur2@example.org"]
    status = newsletter("status")
    assert "lecteur1@example.org" in status.out
    assert "550 no such user" in status.out
    assert "lecteur2" not in status.out
    back = newsletter("readers", "import", "readers.csv", "--source", "the fair")
    assert "lecteur0@example.org stays left" in back.err
