"""The composed issue as templates that any peer can merge: `{{ name }}` where our edition has a blank."""

import json
from dataclasses import dataclass
from pathlib import Path

from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import read_config
from newsletter.fields import Place, split
from tests.bench.papers import KEY, Paper, readers_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A folder with issue.html, issue.txt and head.json; the templates suit Jinja2, Django and nunjucks."""

    folder: Path

    def readers(self, count: int) -> Path:
        """The CSV file (email, name, leave_url) of the first `count` readers."""
        path = self.folder / f"readers-{count}.csv"
        return path if path.exists() else readers_file(self.folder, count)


def write_letter(paper: Paper, folder: Path) -> Letter:
    """What the press composes of the paper's issue, for the peers to send: same words, same blanks."""
    config = read_config(paper.root, {})
    issue = read_issue(paper.root / "issues" / KEY, root=paper.root)
    edition = compose(
        issue, config.publication, config.look, templates=paper.root / "templates", root=paper.root
    )
    folder.mkdir(parents=True)
    (folder / "issue.html").write_text(_template(edition.html, Place.HTML), encoding="utf-8")
    (folder / "issue.txt").write_text(_template(edition.text, Place.TEXT), encoding="utf-8")
    head = {
        "subject": edition.subject,
        "sender_name": edition.sender.name,
        "sender": edition.sender.address,
        "list_id": config.publication.list_id,
        "feedback_id": f"{KEY}:{config.publication.list_id}:newsletter:gazette",
    }
    (folder / "head.json").write_text(json.dumps(head), encoding="utf-8")
    return Letter(folder=folder)


def _template(text: str, place: Place) -> str:
    escape = "" if place is Place.TEXT else "|escape"
    pieces = []
    for piece in split(text, place):
        if isinstance(piece, str):
            assert not {"{{", "{%", "{#"} & {piece[i : i + 2] for i in range(len(piece))}, "not plain text"
            pieces.append(piece)
        else:
            value = f"{{{{ {piece.name}{escape} }}}}"
            pieces.append(
                f"{{% if {piece.name} %}}{piece.before}{value}{{% endif %}}" if piece.before else value
            )
    return "".join(pieces)
