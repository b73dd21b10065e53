"""Links: each rule with what it finds and where, and with what it must leave alone."""

import shutil
from pathlib import Path

import pytest

from newsletter.check.fix import fixed
from newsletter.check.links import RULES
from newsletter.check.rule import Finding, Level
from tests.check.conftest import ISSUE, Proofread
from tests.conftest import ROOT

HEAD = '---\ntitle: "Un titre"\n---\n'


def article(body: str) -> dict[str, str]:
    return {"01-un.md": f"{HEAD}{body}\n"}


def place(finding: Finding) -> str:
    return str(finding.place).removeprefix("issues/2026-11-23/")


BROKEN = [
    ("empty-link", "Un [lien]() ici.", "01-un.md:4:4"),
    ("empty-link", "Un [lien](#) ici.", "01-un.md:4:11"),
    ("empty-link", "Un [lien](#nulle-part) ici.", "01-un.md:4:11"),
    ("empty-link", "Un [lien](https://) ici.", "01-un.md:4:11"),
    ("relative-link", "Un\n> [lien](page.html) ici.", "01-un.md:5:10"),
    ("relative-link", "Un [lien](/dossier/) ici.", "01-un.md:4:11"),
    ("relative-link", "Un [lien](www.exemple.fr/a) ici.", "01-un.md:4:11"),
    ("relative-link", "Un [lien](//exemple.fr/a) ici.", "01-un.md:4:11"),
    ("script-link", "Un [lien](javascript:alert) ici.", "01-un.md:4:11"),
    ("script-link", "Un [lien](data:text/html,x) ici.", "01-un.md:4:11"),
    ("script-link", "- Un [lien](<FILE:///home/moi/a.pdf>) ici.", "01-un.md:4:14"),
    ("unfilled-link", "Un [lien](https://merge.invalid/a) ici.", "01-un.md:4:11"),
    ("unfilled-link", "Un [lien](https://a.example/?n={{name}}) ici.", "01-un.md:4:11"),
    ("unfilled-link", "Un [lien](https://a.example/?n=*|FNAME|*) ici.", "01-un.md:4:11"),
    ("not-a-link", "Un [lien](https://a.example/une page) ici.", "01-un.md:4:4"),
    ("not-a-link", "Un [lien] (https://a.example/) ici.", "01-un.md:4:4"),
    ("not-a-link", "Un [lien][absent] ici.", "01-un.md:4:4"),
    ("link-without-text", "Un [](https://a.example/) ici.", "01-un.md:4:4"),
    ("vague-link", "Pour le lire, c'est [Ici !](https://a.example/).", "01-un.md:4:21"),
    ("vague-link", "Pour le lire, [**cliquez ici**](https://a.example/).", "01-un.md:4:15"),
    ("shortened-link", "Un [mot](https://bit.ly/3abc).", "01-un.md:4:10"),
    ("shortened-link", "Un mot : https://t.co/3abc.", "01-un.md:4:10"),
    ("tracked-link", "Un [mot](https://a.example/?utm_source=x).", "01-un.md:4:10"),
    ("tracked-link", "Un [mot][m].\n\n[m]: https://a.example/#xtor=RSS-1", "01-un.md:6:6"),
    ("misleading-link", "Voir [www.banque.fr](https://voleur.example/a).", "01-un.md:4:6"),
    ("misleading-link", "Voir [https://banque.fr/a](https://banque.fr.voleur.example/).", "01-un.md:4:6"),
    ("broken-address", "Un [mot](https://https://a.example/).", "01-un.md:4:10"),
    ("broken-address", "Un [mot](https:///a.example/).", "01-un.md:4:10"),
    ("broken-address", "Un [mot](htps://a.example/).", "01-un.md:4:10"),
    ("broken-address", "Un [mot](http://localhost:8000/a).", "01-un.md:4:10"),
    ("broken-address", "Un [mot](https://192.168.1.4/a).", "01-un.md:4:10"),
    ("broken-address", "Un [mot](https://exemple/a).", "01-un.md:4:10"),
    ("broken-address", "Un [mot](mailto:camille.exemple.fr).", "01-un.md:4:10"),
    ("address-end", "Un [mot](https://a.example/b.).", "01-un.md:4:10"),
    ("address-end", "Un [mot](<https://a.example/b)>).", "01-un.md:4:11"),
    ("address-characters", "Un [mot](https://a.example/été).", "01-un.md:4:10"),
    ("address-characters", "Un [mot](https://\u0430.example/).", "01-un.md:4:10"),
    ("address-characters", "Un [mot](<https://a.example/b c>).", "01-un.md:4:11"),
    ("address-characters", "Un [mot](https://a.example/b\u200b).", "01-un.md:4:10"),
    ("plain-http", "Un [mot](http://a.example/).", "01-un.md:4:10"),
]


@pytest.mark.parametrize(("rule", "body", "expected"), BROKEN)
def test_a_broken_link_is_found_where_it_stands(
    rule: str, body: str, expected: str, proofread_issue: Proofread
) -> None:
    (found,) = proofread_issue(article(body), rule)
    assert place(found) == expected


ERRORS = {"empty-link", "relative-link", "script-link", "unfilled-link"}


def test_four_rules_keep_the_issue_in_the_house(proofread_issue: Proofread) -> None:
    body = "[a]() [b](c) [d](javascript:e) [f](https://merge.invalid/)"
    found = proofread_issue(article(body))
    assert {each.rule for each in found if each.level is Level.ERROR} == ERRORS


@pytest.mark.parametrize(
    "body",
    [
        "Un [bon lien](https://a.example/b?c=d#e), <https://a.example/> et https://a.example/f.",
        "Vers [l'article deux](#a1), et [écrire](mailto:camille@a.example?subject=Oui) ou [appeler](tel:+33100000000).",  # noqa: E501
        "Du code : `[x]()` et `http://localhost`, `[y] (https://a.example)`.",
        "L'entreprise [Booking.com](https://a.example/), ou [Node.js](https://a.example/).",
        "Le site [lemonde.fr](https://www.lemonde.fr/a), ou [www.lemonde.fr/a](https://abo.lemonde.fr/a).",
        "Voir [la page](https://fr.wikipedia.org/wiki/Apple_Inc.) et [celle-ci](https://a.example/b_(c)).",
        "Ici [on trouve tout](https://a.example/), là aussi [pendant deux mois](https://a.example/).",
        "Les [utm](https://a.example/?mutm_source=1&source=utm_source) et [bit](https://rabbit.ly.example/).",
        "[![un chat noir](chat.png)](https://a.example/chat)",
    ],
)
def test_good_links_are_left_alone(body: str, proofread_issue: Proofread) -> None:
    files = article(body.replace("![un chat noir](chat.png)", "un chat noir"))
    assert proofread_issue(files, *(rule.name for rule in RULES)) == []


def test_the_link_of_an_article_stands_in_its_front_matter(proofread_issue: Proofread) -> None:
    head = '---\ntitle: "Un titre"\nlink: "https://a.example/b?id=7&utm_campaign=z"\n---\nUne phrase.\n'
    (found,) = proofread_issue({"01-un.md": head}, "tracked-link")
    assert place(found) == "01-un.md:3:8"
    assert found.fix
    assert fixed(head, [found.fix])[0] == head.replace("&utm_campaign=z", "")


def test_a_link_that_names_one_site_as_its_source_and_leads_to_another_is_found(
    proofread_issue: Proofread,
) -> None:
    head = '---\ntitle: "Un titre"\nlink: https://a.example/b\nsource: lemonde.fr\n---\nUne phrase.\n'
    (found,) = proofread_issue({"01-un.md": head}, "misleading-link")
    assert found.message == "the link shows lemonde.fr and leads to a.example"


@pytest.mark.parametrize(
    ("typed", "mended"),
    [
        ("[a](https://a.example/?utm_source=x&b=1#c)", "[a](https://a.example/?b=1#c)"),
        ("<https://a.example/?fbclid=x>", "<https://a.example/>"),
        ("Voir https://a.example/?at_medium=x&at_campaign=y.", "Voir https://a.example/."),
        ("[a](https://www.google.com/url?q=https%3A%2F%2Fa.example%2Fb)", "[a](https://a.example/b)"),
        ("[a](https://fr.wikipedia.example/wiki/Été_à_Nice)", "[a](https://fr.wikipedia.example/wiki/%C3%89t%C3%A9_%C3%A0_Nice)"),
    ],
)  # fmt: skip
def test_what_a_machine_can_put_right_it_does(typed: str, mended: str, proofread_issue: Proofread) -> None:
    files = article(typed)
    fixes = [found.fix for found in proofread_issue(files, "tracked-link", "address-characters") if found.fix]
    assert fixed(files["01-un.md"], fixes)[0] == article(mended)["01-un.md"]


def test_a_definition_that_many_links_share_is_told_once(proofread_issue: Proofread) -> None:
    body = "[a][x] et [b][x].\n\n[x]: http://a.example/"
    assert len(proofread_issue(article(body), "plain-http")) == 1


def test_links_of_the_opening_are_looked_at(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"issue.md": ISSUE + "\nVoir [tout](tout.html).\n"}, "relative-link")
    assert place(found) == "issue.md:8:13"


def test_a_link_of_a_template_is_found_on_its_line(tmp_path: Path, proofread_issue: Proofread) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    template = tmp_path / "templates/mail/issue.mjml.j2"
    text = template.read_text(encoding="utf-8")
    before, after = text.split('<a href="{{ publication.url }}/"')
    template.write_text(f'{before}<a href="inscription.html"{after}', encoding="utf-8")
    (found,) = proofread_issue(article("Une phrase."), "relative-link")
    line = before.count("\n") + 1
    assert str(found.place) == f"templates/mail/issue.mjml.j2:{line}"


def test_the_links_of_the_house_templates_are_good(proofread_issue: Proofread) -> None:
    found = proofread_issue(article("Une phrase."), *(rule.name for rule in RULES))
    assert found == []
