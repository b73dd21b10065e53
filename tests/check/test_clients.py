"""Mail clients: what an issue uses, who does not show it, and for how many readers it looks right."""

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from newsletter.check.clients import in_one_line, share_right
from newsletter.check.features import features_of
from newsletter.check.rule import Level, Proof
from newsletter.check.support import BASELINE, FAMILIES, FINE_ANYWAY, GRACEFUL, GRACEFUL_HTML, facts, support
from newsletter.check.uses import NOT_LOOKED_FOR, USES
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from newsletter.config import AUDIENCE, read_config
from newsletter.errors import ConfigError
from tests.check.conftest import ARTICLE, KEY, SETTINGS, Proofread, make_paper
from tests.conftest import ROOT, Newsletter

ANCHOR = ARTICLE + "\nPlus bas, [la suite](#a2) de l’histoire.\n"
OFFICE = "[check.audience]\noutlook = 60\ngmail = 40\n"


def proof(root: Path, files: Mapping[str, str | bytes] | None = None, settings: str = "") -> Proof:
    texts = {name: text for name, text in (files or {}).items() if isinstance(text, str)}
    press = make_paper(root, texts, settings)
    folder = press.issue_folder(KEY, nearest=True)
    for name, content in (files or {}).items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
    issue = press.issue(folder)
    return proof_of(press, issue, press.edition(issue))


def with_template(root: Path, extra: str) -> None:
    """The house's templates with something more in front of the articles."""
    shutil.copytree(ROOT / "templates", root / "templates")
    template = root / "templates" / "mail" / "issue.mjml.j2"
    mark = "    {# ---- the articles ---- #}\n"
    section = f"<mj-section><mj-column>{extra}</mj-column></mj-section>\n"
    text = template.read_text(encoding="utf-8")
    assert mark in text
    template.write_text(text.replace(mark, mark + section), encoding="utf-8")


# ---- the data ----


def test_every_feature_of_the_data_is_looked_for_or_left_out_for_a_reason() -> None:
    assert set(USES) | set(NOT_LOOKED_FOR) == set(facts())
    assert not set(USES) & set(NOT_LOOKED_FOR)


def test_the_data_says_where_it_is_from_from_when_and_under_which_licence() -> None:
    folder = ROOT / "newsletter" / "check" / "data"
    head = json.loads((folder / "caniemail.json").read_text(encoding="utf-8"))
    assert (head["source"], head["date"] >= "2026-05-13") == ("https://www.caniemail.com/", True)
    licence = (folder / "caniemail.LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "HTeuMeuLeu" in licence


def test_support_is_that_of_the_newest_version() -> None:
    assert support("image-webp", "outlook.windows") == "n"
    assert support("image-webp", "outlook.macos") == "y"  # "n" in 2016
    assert support("css-transform", "outlook.macos") == "n"  # "y" in 2019
    assert support("html-style", "laposte.desktop-webmail") == "n"
    assert support("css-border-radius", "free-fr.desktop-webmail") == "u"


def test_the_lists_name_features_that_exist_and_parts_make_a_whole() -> None:
    graceful = {f"css-{name}" for names in GRACEFUL.values() for name in names} | GRACEFUL_HTML
    assert graceful | BASELINE | {feature for feature, _ in FINE_ANYWAY} <= set(facts())
    assert set(FAMILIES) == set(AUDIENCE)
    assert {sum(part for _, part in clients.values()) for clients in FAMILIES.values()} == {100}
    named = {client for feature in facts().values() for client in feature["support"]}
    assert {client for clients in FAMILIES.values() for client in clients} == named


# ---- what a page uses ----


@pytest.mark.parametrize(
    ("html", "feature"),
    [
        ("<p style='display:flex'>x</p>", "css-display-flex"),
        ("<p style='width:calc(1rem + 2%)'>x</p>", "css-unit-calc"),
        ("<p style='width:calc(1rem + 2%)'>x</p>", "css-unit-rem"),
        ("<p style='width:calc(1rem + 2%)'>x</p>", "css-unit-percent"),
        ("<p style='padding-left:2px'>x</p>", "css-padding"),
        ("<p style='color:rgba(0,0,0,.5)'>x</p>", "css-rgba"),
        ("<p style='font-family:system-ui'>x</p>", "css-sytem-ui"),
        ("<p style='background:url(a.webp)'>x</p>", "image-webp"),
        ("<style>@media (orientation:portrait){p{color:red}}</style>", "css-at-media-orientation"),
        ("<style>@media print{p:nth-child(2){color:red}}</style>", "css-pseudo-class-nth-child"),
        ("<style>@font-face{font-family:A;src:url(a.woff)}</style>", "css-at-font-face"),
        ("<style>a::before{content:'x'}</style>", "css-pseudo-element-before"),
        ("<style>h1 + p{margin:0}</style>", "css-selector-adjacent-sibling"),
        ("<video></video>", "html-video"),
        ("<input type='checkbox'>", "html-input-checkbox"),
        ("<img srcset='a.png 2x'>", "html-srcset"),
        ("<img src='https://example.org/a.WEBP?x=1'>", "image-webp"),
        ("<img src='cid:photo-0123.webp@example.org'>", "image-webp"),
        ("<img src='data:image/png;base64,AA=='>", "image-base64"),
        ("<a href='#a1'>x</a>", "html-anchor-links"),
        ("<a href='mailto:a@example.org'>x</a>", "html-mailto-links"),
    ],
)
def test_a_feature_is_seen(html: str, feature: str) -> None:
    assert feature in features_of(f"<html><body>{html}</body></html>")


@pytest.mark.parametrize(
    ("html", "feature"),
    [
        ("<p style='display:inline-block'>flex</p>", "css-display-flex"),
        ("<p style='font-family:\"system-ui\"'>x</p>", "css-sytem-ui"),
        ("<p style='width:2em'>x</p>", "css-unit-rem"),
        ("<a href='https://example.org/#a1'>x</a>", "html-anchor-links"),
        ("<a href='#'>x</a>", "html-anchor-links"),
        ("<a href='https://example.org/photo.webp'>x</a>", "image-webp"),
        ("<style>a::after{content:'x'}</style>", "css-pseudo-class-active"),
        ("<style>p:nth-child(2){color:red}</style>", "css-at-media"),
        ("<!-- <video></video> --><p>&lt;video&gt;</p>", "html-video"),
        ("<input type='text'>", "html-input-checkbox"),
    ],
)
def test_what_only_looks_like_a_feature_is_none(html: str, feature: str) -> None:
    assert feature not in features_of(f"<html><body>{html}</body></html>")


def test_the_baseline_is_what_templates_and_markdown_use(tmp_path: Path) -> None:
    photograph = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(photograph, "JPEG")
    body = ARTICLE + "\n    code\n\n***\n\n![une photo](photo.jpg)\n"
    composed = proof(tmp_path, {"01-un.md": body, "photo.jpg": photograph.getvalue()}).edition.html
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/golden").glob("*/issue.html")]
    press = Press(ROOT)
    samples = [press.edition(press.issue(path)).html for path in (ROOT / "issues").iterdir()]
    assert frozenset().union(*map(features_of, [composed, *pages, *samples])) == BASELINE


# ---- what is found ----


def test_an_ordinary_issue_looks_right_for_everybody(tmp_path: Path, proofread_issue: Proofread) -> None:
    text = ARTICLE + (
        "\n## Un titre\n\n> Une citation.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n1. Un\n2. Deux\n\n"
        "Du `code [x](#a2)`, [un lien](https://example.org/#a2), [un mot](mailto:a@example.org).\n\n"
        "```\n[x](#a2)\n```\n"
    )
    assert proofread_issue({"01-un.md": text}, "client-support", "client-support-few") == []


def test_a_link_inside_the_mail_fails_at_orange_and_sfr(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": ANCHOR}, "client-support")
    assert (str(found.place), found.level) == ("issues/2026-11-23/01-un.md:6:22", Level.WARNING)
    assert found.message == (
        "Local anchors not in Gmail for iOS, Orange, Orange for iOS, Yahoo for iOS, Yahoo for Android, SFR,"
        " SFR for iOS, SFR for Android, La Poste (18 %) of your readers"
    )


def test_a_link_inside_the_mail_by_reference_is_found_where_it_is_defined(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": ARTICLE + "\n[La suite][s].\n\n[s]: #a2\n"}, "client-support")
    assert str(found.place) == "issues/2026-11-23/01-un.md:8:6"


def test_links_inside_the_mail_lower_the_number_and_name_the_clients(tmp_path: Path) -> None:
    share, (loss,) = share_right(proof(tmp_path, {"01-un.md": ANCHOR}))
    # Gmail for iOS 34 x 15 %, Orange 8 x 70 %, SFR 3, La Poste 2, Yahoo's apps 4 x 60 %
    assert round(share, 6) == 81.9
    assert {"Orange", "SFR", "La Poste"} <= set(loss.without)
    assert "Orange for Android" not in loss.without
    assert loss.partly == ()
    assert in_one_line(share, [loss]).startswith(
        "looks right for 81 % of your readers: Local anchors not in "
    )


def test_a_webp_picture_lowers_the_number_by_outlook_for_windows(
    tmp_path: Path, proofread_issue: Proofread
) -> None:
    with_template(tmp_path, '<mj-image src="https://matin.example.org/logo.webp" alt="Le Matin" />')
    (found,) = proofread_issue({}, "client-support")
    assert (str(found.place), found.hint) == (
        "templates/mail/issue.mjml.j2",
        "export the picture as JPEG or PNG",
    )
    assert found.message == "webP image format not in Outlook for Windows (8 %) of your readers"


def test_the_audience_decides_how_much_a_loss_weighs(tmp_path: Path) -> None:
    with_template(tmp_path, '<mj-image src="https://matin.example.org/logo.webp" alt="Le Matin" />')
    share, (loss,) = share_right(proof(tmp_path, settings=OFFICE))
    assert (round(share, 6), loss.without) == (73.0, ("Outlook for Windows",))


def test_what_few_readers_lose_is_a_note(tmp_path: Path, proofread_issue: Proofread) -> None:
    audience = "[check.audience]\napple = 97\norange = 3\n"
    (found,) = proofread_issue(
        {"01-un.md": ANCHOR}, "client-support-few", "client-support", settings=audience
    )
    assert (found.level, found.message) == (
        Level.NOTE,
        "Local anchors not in Orange, Orange for iOS (2 %) of your readers",
    )


def test_nobody_misses_what_degrades_gracefully(tmp_path: Path) -> None:
    with_template(
        tmp_path,
        '<mj-text><p style="border-radius:9px;box-shadow:0 0 2px #000000">x</p></mj-text>',
    )
    looked_at = proof(tmp_path)
    assert "css-box-shadow" in features_of(looked_at.edition.html)
    assert share_right(looked_at) == (100.0, ())


def test_partial_support_counts_half_and_a_reader_is_lost_once_only(tmp_path: Path) -> None:
    with_template(
        tmp_path,
        '<mj-text><p style="display:flex;position:relative;color:#111111">x</p></mj-text>',
    )
    looked_at = proof(tmp_path, settings="[check.audience]\ngmail = 20\nlaposte = 80\n")
    assert (support("css-position", "laposte.desktop-webmail"), support("css-position", "gmail.android")) == (
        "a",
        "n",
    )
    share, losses = share_right(looked_at)
    # position: nowhere in Gmail (20), half at La Poste (40); flex: half in Gmail's apps, lost anyway
    assert round(share, 6) == 40.0
    assert [loss.feature for loss in losses] == ["css-position", "css-display-flex"]


# ---- the command and the setting ----


def test_the_command_ends_with_the_number(newsletter: Newsletter, paper: Path) -> None:
    folder = next((paper / "issues").iterdir())
    article = next(folder.glob("01-*.md"))
    clean = newsletter("check", folder.name).out.splitlines()[-1]
    assert clean == "looks right for 100 % of your readers"
    article.write_text(article.read_text(encoding="utf-8") + "\n[Plus bas](#a1).\n", encoding="utf-8")
    line = newsletter("check", folder.name).out.splitlines()[-1]
    assert line.startswith(
        "looks right for 81 % of your readers: Local anchors not in Gmail for iOS, Orange,"
    )
    facts = json.loads(newsletter("check", folder.name, "--format", "json").out.splitlines()[-1])
    assert facts["looks_right_for"] == 81.9
    (reason,) = facts["reasons"]
    assert (reason["feature"], reason["share"]) == ("html-anchor-links", 18.1)
    assert "Buggy. Clicking an anchor link does nothing." in reason["notes"]


@pytest.mark.parametrize(
    ("table", "message", "hint", "line"),
    [
        ("gmial = 30", "unknown setting 'gmial' in [check.audience]", 'did you mean "gmail"?', 7),
        ("gmail = 0", "nothing is shared out", "write for instance gmail = 50", 7),
    ],
)
def test_an_audience_that_cannot_be_meant_is_told_by_its_line(
    tmp_path: Path, table: str, message: str, hint: str, line: int
) -> None:
    (tmp_path / "newsletter.toml").write_text(f"{SETTINGS}[check.audience]\n{table}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path, {})
    assert caught.value.message.endswith(message)
    assert caught.value.hint == hint
    assert caught.value.where == f"newsletter.toml:{line}"
