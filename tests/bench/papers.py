"""Throwaway publications for the benchmarks: an issue of the size asked for, and readers to send it to."""

import csv
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

KEY = "2026-11-23"
CLOCK = f"{KEY}T06:45"
PICTURE = ROOT / "issues" / KEY / "fusion-frise.png"
HERE = Path(__file__).parent
PLAIN_UNDER = 30_000
"""Octets under which the house's own template leaves no room for a text."""

SETTINGS = """\
[publication]
name = "La gazette du banc d'essai"
url = "https://gazette.invalid"
sender = "La gazette du banc d'essai <bonjour@gazette.invalid>"
postal_address = "1 rue du Banc, 75000 Paris"
pitches = ["Rien que des phrases inventées, mais de la bonne longueur."]

[send]
backend = "smtp"
connections = {connections}

[backends.smtp]
host = "127.0.0.1"
port = {port}
security = "plain"

[dkim]
keys = "keys"
selectors = [{selectors}]
"""

ISSUE = """\
---
subject: "Le numéro d'essai : ni vrai, ni faux, juste assez long"
preheader: "Ce que la boîte de réception montre à côté de l'objet"
editor: Ada Banc
---

{text}
"""

ARTICLE = """\
---
title: "L'article numéro {number}, qui n'apprend rien à personne"
author: Zoé Œuvrard
section: Économie
link: https://www.example.org/source/{number}
source: Le Journal des essais
{picture}---

{text}
"""

NAMES = (
    "Zoé",
    "L'Œil & Cie",
    "Marie",
    "Anne-Gaëlle",
    "",
    "Björn",
    "D'Artagnan",
    "Marie & Paul",
    "Chloé",
    "Łucja",
)

WHO = (
    "le marché de l'essai",
    "une usine de Saint-Étienne",
    "la banque des phrases",
    "notre voisin « Gérard »",
    "l'indice du café crème",
    "un cabinet d'études à l'accent chantant",
    "la filière de l'œuf dur",
    "tout ce petit monde",
)
DOES = (
    "a gagné 12,5 % en une semaine",
    "prévoit d'embaucher à l'été",
    "hésite encore à signer",
    "a revu ses comptes à la baisse",
    "s'étonne d'être si bien noté",
    "négocie un prêt de 38 000 €",
    "a rouvert ses portes mardi",
    "n'a rien voulu déclarer",
)
WHY = (
    "malgré une météo déplorable",
    "grâce à un accord trouvé dans la nuit",
    "pour la troisième fois depuis l'an dernier",
    "sans que personne ne sache pourquoi",
    "à la faveur d'un taux de change complaisant",
    "selon des chiffres que nul n'a vérifiés",
    "alors que l'on s'attendait au contraire",
    "dans l'indifférence quasi générale",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A publication at `root` whose messages are about `octets` long on the wire."""

    root: Path
    octets: int

    def newsletter(self, *arguments: str) -> list[str]:
        """The command line that runs the press here, on the morning of the issue."""
        return [sys.executable, "-m", "newsletter", "-C", str(self.root), "--clock", CLOCK, *arguments]

    def run(self, *arguments: str) -> None:
        """Run the press here; ends the benchmark if it fails."""
        done = subprocess.run(
            self.newsletter(*arguments), cwd=ROOT, env=surroundings(), capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"newsletter {' '.join(arguments)}: {done.stderr or done.stdout}")

    def knows(self, *command: str) -> bool:
        """Whether the press has this command."""
        words = self.newsletter(*command, "--help")
        return not subprocess.run(words, cwd=ROOT, env=surroundings(), capture_output=True).returncode

    def set_up(self, *, port: int, connections: int, selectors: tuple[str, ...] = ()) -> None:
        """Send to this port of this machine from now on."""
        quoted = ", ".join(f'"{selector}"' for selector in selectors)
        settings = SETTINGS.format(port=port, connections=connections, selectors=quoted)
        (self.root / "newsletter.toml").write_text(settings, encoding="utf-8")

    def renew(self, count: int) -> None:
        """Begin again with the first `count` readers and nothing sent: the database as after their import.

        What is copied is flushed, so that the run to come does not pay for it.
        """
        state, kept = self.root / ".newsletter", self.root / f"state-{count}"
        shutil.rmtree(state, ignore_errors=True)
        if not kept.exists():
            self.run("readers", "import", str(readers_file(self.root, count)), "--source", "made up")
            state.rename(kept)
        shutil.copytree(kept, state)
        for path in state.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def surroundings() -> dict[str, str]:
    """The environment without what would configure the press."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSLETTER_")}
    return kept | {"PYTHONPATH": str(ROOT)}


def make_paper(root: Path, octets: int) -> Paper:
    """A publication in the new folder `root` whose messages are as near to `octets` as whole sentences allow.

    Small ones have a template of their own (plain.mjml.j2); pictures are hosted, so none travels.
    """
    shutil.copytree(ROOT / "templates", root / "templates")
    if octets < PLAIN_UNDER:
        shutil.copy(HERE / "plain.mjml.j2", root / "templates" / "mail" / "issue.mjml.j2")
    paper = Paper(root=root, octets=octets)
    paper.set_up(port=25, connections=1)
    few, many = 10, octets // 400
    at_few, at_many = _built(paper, few), _built(paper, many)
    wanted = few + round((octets - at_few) * (many - few) / (at_many - at_few))
    return Paper(root=root, octets=_built(paper, wanted))


def _built(paper: Paper, sentences: int) -> int:
    """The octets of a message when the issue has so many sentences."""
    plain = paper.octets < PLAIN_UNDER
    folder = paper.root / "issues" / KEY
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(paper.octets)
    articles = 1 if plain else 5
    spread = [sentences // articles + (number < sentences % articles) for number in range(articles)]
    texts = [[_sentence(chance) for _ in range(share)] for share in spread]
    (folder / "issue.md").write_text(ISSUE.format(text=_sentence(chance)), encoding="utf-8")
    shutil.copy(PICTURE, folder / "frise.png")
    for number, text in enumerate(texts, 1):
        picture = 'picture: frise.png\nalt: "Une frise de points"\n' if number == 1 and not plain else ""
        article = ARTICLE.format(number=number, picture=picture, text="\n\n".join(_paragraphs(text)))
        (folder / f"{number:02}-essai-{number}.md").write_text(article, encoding="utf-8")
    paper.run("build", KEY, "-o", str(paper.root / "build"))
    return (paper.root / "build" / "issue.eml").stat().st_size


def _sentence(chance: random.Random) -> str:
    words = f"{chance.choice(WHO)} {chance.choice(DOES)}, {chance.choice(WHY)}."
    return words[0].upper() + words[1:]


def _paragraphs(sentences: list[str]) -> Iterator[str]:
    """Four sentences each, the first one bold now and then."""
    for start in range(0, len(sentences), 4):
        first, *rest = sentences[start : start + 4]
        yield " ".join([f"**{first}**" if start % 16 == 0 else first, *rest])


def email_of(number: int) -> str:
    return f"lecteur{number}@lecteurs.example.org"


def name_of(number: int) -> str:
    return NAMES[number % len(NAMES)]


def readers_file(root: Path, count: int) -> Path:
    """A CSV file of `count` readers; leave_url is there for the peers, who make no links of their own."""
    path = root / f"readers-{count}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("email", "name", "leave_url"))
        for number in range(count):
            address = f"https://gazette.invalid/leave/{random.Random(number).randbytes(36).hex()}"
            table.writerow((email_of(number), name_of(number), address))
    return path
