"""The house keeps its shape: imports point down, one door per library, files with a sign and of a size."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsletter"
MODULES = sorted(PACKAGE.rglob("*.py"))

# The floor of each part; a part imports from lower floors and from itself only.
FLOORS = {
    "cli": 6,
    "__main__": 7,
    "web": 5,
    "fleet": 5,
    "doctor": 5,
    "report": 5,
    "bounces": 4,
    "alerts": 4,
    "check": 4,
    "desk": 4,
    "compose": 3,
    "deliver": 3,
    "readers": 3,
    "config": 2,
    "calendar": 2,
    "blame": 2,
    "links": 2,
    "fields": 2,
    "tracking": 2,
    "on_time": 1.7,
    "ways": 1.7,
    "stores": 1.7,
    "settings": 1.5,
    "model": 1,
    "errors": 1,
    "__init__": 0,
}

# The one module, or the wing where it says so, that may import each outside library. One has two doors, in
# wings that do not know each other: who signs mail, and who reads a provider's certificate.
DOORS: dict[str, str | tuple[str, ...]] = {
    "alembic": "readers/migrations/",
    "babel": "compose/words.py",
    "boto3": "deliver/backends/ses.py",
    "bs4": "desk/page.py",
    "botocore": "deliver/backends/ses.py",
    "click": "cli/",
    "cryptography": ("deliver/dkim.py", "bounces/sns.py"),
    "dns": "doctor/names.py",
    "email_validator": "readers/addresses.py",
    "feedgenerator": "web/feeds.py",
    "flufl": "bounces/tail.py",
    "holidays": "calendar.py",
    "httpx": "check/online.py",
    "idna": "deliver/smtp_protocol.py",
    "jinja2": "compose/templates.py",
    "lxml": "compose/tree.py",
    "mammoth": "desk/word.py",
    "markdown_it": "compose/prose.py",
    "markupsafe": "compose/templates.py",
    "mdit_py_plugins": "compose/prose.py",
    "mjml": "compose/markup.py",
    "PIL": "compose/pictures/",
    "premailer": "compose/markup.py",
    "procrastinate": "fleet/engine.py",
    "psycopg": ("readers/postgresql.py", "fleet/engine.py"),
    "pygal": "report/charts.py",
    "rich": "cli/screen.py",
    "sqlalchemy": "readers/",
    "starlette": "web/",
    "tinycss2": "compose/css.py",
    "uvicorn": "web/serving.py",
    "yaml": "compose/front_matter.py",
}

# Who may open a connection: the carriers' doors, the visitor of links (proof-reading itself never does), the
# mailbox that bounces come to, whoever fetches the certificate of Amazon's notifications, whoever calls a
# webhook to say that an issue has not left, and the doctor's three: DNS, the publication's own site, and the
# reason why a relay cannot be reached.
ON_THE_LINE = (
    "deliver/backends/",
    "check/online.py",
    "web/",
    "bounces/imap.py",
    "bounces/certificates.py",
    "alerts/webhook.py",
    "doctor/names.py",
    "doctor/web.py",
    "doctor/relay.py",
)
LINES = {
    "imaplib",
    "socket",
    "ssl",
    "http",
    "urllib.request",
    "smtplib",
    "ftplib",
    "httpx",
    "boto3",
    "botocore",
    "dns",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    here = part_of(path)
    for imported in imports(path):
        if not imported.startswith("newsletter."):
            continue
        there = imported.split(".")[1]
        assert there in FLOORS, f"{imported} has no floor"
        assert there == here or FLOORS[there] < FLOORS[here], f"{name_of(path)} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_library_has_one_door(path: Path) -> None:
    for imported in imports(path):
        library = imported.split(".")[0]
        if library in sys.stdlib_module_names or library == "newsletter":
            continue
        doors = DOORS.get(library)
        assert doors, f"{name_of(path)} imports {library}, which has no door"
        known = (doors,) if isinstance(doors, str) else doors
        assert any(name_of(path) == door or _in_wing(path, door) for door in known), imported


def _in_wing(path: Path, door: str) -> bool:
    return door.endswith("/") and name_of(path).startswith(door)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_those_who_must_touch_the_network(path: Path) -> None:
    if not name_of(path).startswith(ON_THE_LINE):
        assert not [each for each in imports(path) if each in LINES or each.split(".")[0] in LINES]


def test_every_door_is_used() -> None:
    used = {imported.split(".")[0] for path in MODULES for imported in imports(path)}
    assert set(DOORS) <= used


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_module_opens_with_a_sentence_that_says_what_it_is_for(path: Path) -> None:
    sign = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    assert sign, "no docstring"
    assert sign.rstrip().endswith((".", ":")), sign
    assert not {"utilities", "helpers"} & set(sign.lower().split()), sign


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
