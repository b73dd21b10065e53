"""The docs are complete and true: every command, setting and exit code is in them, every command works."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from newsletter.cli import cli, run
from newsletter.config import read_config
from tests.conftest import ARTICLE, ISSUE, ROOT, Newsletter, write_issue

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}

PICTURES = sorted((ROOT / "docs/pictures").iterdir())


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command, name
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = list(commands(cli))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_has_help_with_an_example_of_itself(
    path: tuple[str, ...], command: click.Command
) -> None:
    help_text = command.help or ""
    assert "Example:" in help_text
    assert f"newsletter {' '.join(path)}" in help_text.split("Example:")[1]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_is_in_the_readme(path: tuple[str, ...], command: click.Command) -> None:
    table = README.split("## Commands")[1].split("\n## ")[0]
    first = f"`newsletter {path[0]}"
    row = next((line for line in table.splitlines() if line.startswith(f"| {first}")), "")
    assert row, first
    assert path[-1] in row


def test_every_command_in_the_readmes_table_exists() -> None:
    table = README.split("## Commands")[1].split("\n## ")[0]
    named = set(re.findall(r"^\| `newsletter ([a-z]+)", table, re.MULTILINE))
    assert named == {path[0] for path, _ in COMMANDS}


def test_every_setting_is_documented(tmp_path: Path) -> None:
    documented = set(re.findall(r"`([a-z_]+)`", DOCS["settings.md"]))
    code = "".join(
        (ROOT / "newsletter" / name).read_text(encoding="utf-8")
        for name in ("config.py", "on_time.py", "ways.py")
    )
    code += "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "newsletter/deliver/backends").glob("*.py")
    )
    read = set(
        re.findall(
            r'(?:table|self)\.(?:string|strings|integer|number|choice|duration|hour|colour|folder|flag)\(\s*"([a-z_]+)"',
            code,
        )
    )
    assert len(read) > 15
    assert read <= documented, read - documented


def test_the_rules_are_documented_as_the_command_lists_them(newsletter: Newsletter) -> None:
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (error|warning|note) \| (.*) \| (.*) \|$", DOCS["check.md"], re.M
    )
    documented = [tuple(re.sub(r"\\([|<\[])", r"\1", cell) for cell in row) for row in rows]
    listed = map(json.loads, newsletter("check", "--list", "--format", "json").out.splitlines())
    assert documented == [(each["rule"], each["level"], each["why"], each["how"]) for each in listed], (
        "to write them anew: python docs/list_rules.py"
    )


def test_the_options_of_check_are_documented_and_no_others() -> None:
    (check,) = (command for path, command in COMMANDS if path == ("check",))
    options = {name for parameter in check.params for name in parameter.opts if name.startswith("--")}
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", DOCS["check.md"])) == options


def test_the_documented_waiver_lets_pass_what_it_names(newsletter: Newsletter, paper: Path) -> None:
    head = DOCS["check.md"].split("## Waivers")[1].split("```yaml\n")[1].split("```")[0]
    write_issue(paper, "2026-11-23", issue=f"{head}\nBonjour.\n", **{"01_un": ARTICLE + "\nmot" * 1500})
    answer = newsletter("check", "2026-11-23")
    assert answer.code == 0
    assert "[five-minutes]\n  waived: un entretien, annoncé comme tel en tête du numéro\n" in answer.out


def test_every_exit_code_is_documented() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "newsletter").rglob("*.py"))
    codes = set(re.findall(r"exit_code = (\d+)", code)) | set(re.findall(r"return (130|4|5|75)\b", code))
    documented = set(re.findall(r"^\| (\d+) \|", DOCS["exit-codes.md"], re.MULTILINE))
    assert codes <= documented
    assert documented >= {"0", "1", "2", "3", "4", "5", "6", "75", "130"}


@pytest.mark.parametrize("name", ["README.md", *DOCS])
def test_links_and_pictures_in_the_docs_lead_somewhere(name: str) -> None:
    path = ROOT / name if name == "README.md" else ROOT / "docs" / name
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        if "/" in target or target.endswith(".md"):
            assert (path.parent / target).exists(), target


def test_every_test_that_the_security_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOCS["security.md"])
    assert len(named) > 100
    assert DOCS["security.md"].count("`tests/") == len(named)
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"


def test_every_row_of_the_security_page_names_a_test() -> None:
    tables = DOCS["security.md"].split("## Links and forms")[1]
    rows = [row for row in re.findall(r"^\| .* \|$", tables, re.MULTILINE) if not row.endswith("| tests |")]
    assert len(rows) > 35
    assert [row for row in rows if "`tests/" not in row.rpartition(" | ")[2]] == []


def test_the_light_table_and_a_contact_sheet_are_seen_in_the_readme_and_the_docs() -> None:
    for text, folder in ((README, "docs/pictures"), (DOCS["preview.md"], "pictures")):
        for name in ("light-table", "contact-sheet"):
            assert re.search(rf"^!\[[^\]]+\]\({folder}/{name}\.png\)$", text, re.MULTILINE), name


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_each_picture_is_soon_loaded(path: Path) -> None:
    assert path.stat().st_size < 300_000


def test_the_two_lines_stand_in_the_readme_once_each() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert [line.rpartition("&& ")[2] for line in lines] == [
        ".venv/bin/newsletter demo",
        ".venv/bin/pytest -q -n auto",
    ]


def test_every_command_of_the_day_in_the_readme_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newsletter: Newsletter
) -> None:
    block = README.split("## A day with the tool")[1].split("```sh\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    day, ran = "2026-11-24", []
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if words[0] == "cd":
            monkeypatch.chdir(tmp_path / words[1])
            continue
        assert words[0] == "newsletter"
        # The editor's own work, before and between the commands.
        if words[1] == "new":
            first = next(Path("issues").iterdir())
            assert read_config(Path.cwd(), {}).publication.name == "my-paper"
            write_issue(Path.cwd(), first.name, issue=ISSUE, **{"01_un": ARTICLE})
            clock = "2026-11-23T18:00"
        elif words[1] == "import":
            write_issue(Path.cwd(), day, issue=ISSUE, **{"01_un": ARTICLE})
            Path("brief.txt").write_text(
                "Un titre pour un texte collé\nAda Test\n\nUne première phrase.\n\nBref : une dernière.\n",
                encoding="utf-8",
            )
        elif words[1:3] == ["readers", "import"]:
            Path("readers.csv").write_text("email\nada@example.org\nbea@example.org\n", encoding="utf-8")
        if words[1] == "send":
            words.append("--yes")
            clock = f"{day}T06:45"
        code = run(["--clock", clock if words[1] != "init" else f"{day}T06:45", *words[1:]])
        assert code == 0, line
        ran.append(words[1])
    assert ran == ["init", "new", "import", "check", "build", "test", "readers", "send", "status"]
    assert (tmp_path / "my-paper" / "preview" / "issue.eml").exists()
    assert len(list((tmp_path / "my-paper/.newsletter/outbox").rglob("*.eml"))) == 3  # two readers, one test
