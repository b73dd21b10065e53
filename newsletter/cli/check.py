"""The command that proof-reads an issue."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from newsletter.cli.proof import in_words, proof_of, to_put_right
from newsletter.cli.screen import ISSUE_HELP, bold, plural, say, table
from newsletter.errors import ContentError, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from newsletter.check.proof import Proof
    from newsletter.check.rule import Finding
    from newsletter.cli.press import Press

    Found = Proof | None

_ROUNDS = 10
"""Times that `--fix` looks again: what was put right may bring the next slip to light."""

_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


@click.command(epilog=ISSUE_HELP, short_help="Proof-read an issue.")
@click.argument("issue", required=False)
@click.option("--fix", is_flag=True, help="Put right in the files what a machine can put right.")
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("--online", is_flag=True, help="Visit the links, too; all else looks at files only.")
@click.option("--spam", is_flag=True, help="Ask SpamAssassin too, which takes some seconds.")
@click.option("--list", "listed", is_flag=True, help="Show all rules and what they are good for.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="For people, for programs, or as annotations of a pull request.",
)
@click.pass_obj
def check(
    press: Press,
    issue: str | None,
    fix: bool,
    strict: bool,
    online: bool,
    spam: bool,
    listed: bool,
    form: str,
) -> None:
    """Proof-read an issue: what must not leave the house is an error, exit code 3.

    Without ISSUE, the nearest one that was not sent. A rule may be waived in the front matter of issue.md:
    a line `waive:`, and below it, indented, the rule's name and the reason.

    \b
    Example:
      newsletter check 2026-11-23
      newsletter check --fix
    """
    if listed:
        _list_rules(form)
        return
    folder = press.issue_folder(issue, nearest=True)
    if not folder.is_dir():
        press.issue(folder)  # says so: there is nothing to proof-read
    findings, found = _look(press, folder)
    if fix:
        findings, found = _put_right(press, folder, findings, found)
    if found and (online or spam):
        findings = _ask_further(press, found, online=online, spam=spam)
    lines = {"text": in_words, "json": _as_json, "github": _as_github}[form](findings)
    for line in lines:
        click.echo(line)
    if found:
        _tell_readers(found, form)
    grave = ("error", "warning") if strict else ("error",)
    if wrong := [each for each in findings if each.level in grave and not each.waived]:
        words = plural(len(wrong), "finding" if strict else "error")
        raise to_put_right(words, folder.name)
    if found and form == "text":
        minutes, seconds = divmod(found.edition.reading_seconds, 60)
        size = len(found.edition.html.encode()) / 1000
        articles = plural(len(found.issue.articles), "article")
        say(
            f"{bold(found.issue.key)} is good to go: {articles}, {minutes} min {seconds:02} s,"
            f" {size:.0f} kB of HTML."
        )


def _look(press: Press, folder: Path) -> tuple[list[Finding], Found]:
    """What is found, and what was looked at, if it can be composed."""
    from newsletter.check.proofread import finding_of, proofread

    try:
        issue = press.issue(folder)
        edition = press.edition(issue)
    except (ContentError, TemplateError) as error:
        return [finding_of(error)], None
    proof = proof_of(press, issue, edition)
    return proofread(proof), proof


def _ask_further(press: Press, found: Proof, *, online: bool, spam: bool) -> list[Finding]:
    """All findings once the links have been visited, and SpamAssassin been asked."""
    from newsletter.check.proofread import proofread

    if spam:
        from newsletter.check.spamassassin import verdict

        found = replace(found, spam=verdict(found.message))
    if online:
        from newsletter.check.online import visit
        from newsletter.check.visited import web_addresses

        addresses = web_addresses(found)
        say(f"visiting {plural(len(addresses), 'link')} …")
        found = replace(found, visits=visit(addresses, agent=press.config.publication.url))
    return proofread(found)


def _tell_readers(proof: Proof, form: str) -> None:
    """For how many readers the issue looks right, as the last line for people and for programs."""
    from newsletter.check.clients import in_one_line, share_right

    share, losses = share_right(proof)
    if form == "text":
        click.echo(in_one_line(share, losses))
    elif form == "json":
        reasons = [{**asdict(loss), "share": round(loss.share, 1)} for loss in losses]
        click.echo(json.dumps({"looks_right_for": round(share, 1), "reasons": reasons}, ensure_ascii=False))


def _put_right(
    press: Press, folder: Path, findings: list[Finding], found: Found
) -> tuple[list[Finding], Found]:
    """Write the fixes into the files and look again, until nothing is left that a machine can put right."""
    from newsletter.check.fix import put_right

    made: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        fixes = [each.fix for each in findings if each.fix and not each.waived]
        if not fixes or not (done := put_right(press.config.root, fixes)):
            break
        made.update(done)
        findings, found = _look(press, folder)
    for name, count in sorted(made.items()):
        say(f"{name}: {plural(count, 'slip')} put right")
    if not made:
        say("nothing that a machine can put right")
    return findings, found


def _as_json(findings: Sequence[Finding]) -> Iterator[str]:
    for found in findings:
        yield json.dumps(
            {
                "rule": found.rule,
                "level": found.level.value,
                "path": found.place.path,
                "line": found.place.line,
                "column": found.place.column,
                "message": found.message,
                "hint": found.hint,
                "fixable": found.fix is not None,
                "waived": found.waived,
            },
            ensure_ascii=False,
        )


def _as_github(findings: Sequence[Finding]) -> Iterator[str]:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    for found in findings:
        place = f"file={_escaped(found.place.path)}"
        place += f",line={found.place.line}" if found.place.line else ""
        place += f",col={found.place.column}" if found.place.column else ""
        level = "notice" if found.waived else _GITHUB[found.level]
        words = f"{found.message}\n{'waived: ' + found.waived if found.waived else found.hint}"
        yield f"::{level} {place},title={_escaped(found.rule)}::{_escaped(words, message=True)}"


def _escaped(text: str, *, message: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text if message else text.replace(":", "%3A").replace(",", "%2C")


def _list_rules(form: str) -> None:
    from newsletter.check.proofread import RULES

    if form == "json":
        for each in RULES:
            facts = {"rule": each.name, "level": each.level.value, "why": each.why, "how": each.how}
            click.echo(json.dumps(facts, ensure_ascii=False))
        return
    table(
        ["Rule", "Level", "Why", "What to do"],
        [(each.name, each.level, each.why, each.how) for each in RULES],
    )
