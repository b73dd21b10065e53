"""What the mail keeps from telling about its readers: nobody learns who opened it, or what was followed."""

import email
import email.policy
import re
from pathlib import Path

from PIL import Image

from tests.conftest import Newsletter


def parts(mail: bytes) -> str:
    """Both texts of a mail, as they are read."""
    message = email.message_from_bytes(mail, policy=email.policy.default)
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return "\n".join(str(body.get_content()) for body in bodies if body)


def test_two_readers_copies_differ_in_the_links_to_leave_by_and_in_nothing_else(
    paper: Path, newsletter: Newsletter
) -> None:
    """So that no picture and no link tells who loads or follows it: there is no pixel, and nothing counts."""
    Image.new("RGB", (900, 400), "#b3261e").save(paper / "issues/2026-11-23/vue.png")
    with (paper / "issues/2026-11-23/01-premier.md").open("a", encoding="utf-8") as article:
        article.write("\n![Une vue](vue.png)\n")
    for who in ("capucin", "zebulon"):
        assert newsletter("readers", "add", f"{who}@example.org").code == 0
    sent = newsletter("send", "--yes")
    assert sent.code == 0, sent.err
    texts = []
    for who in ("capucin", "zebulon"):
        (written,) = (paper / ".newsletter").rglob(f"{who}@example.org-*.eml")
        text = re.sub(r"/leave/[\w-]{30,}", "/leave/TOKEN", parts(written.read_bytes()))
        for link in re.findall(r"(?:https?:|mailto:|src=|href=)[^\s<>]+", text):
            assert who not in link
        texts.append(text.replace(f"{who}@example.org", "the address at which they get it"))
    assert texts[0] == texts[1]
    assert texts[0].count("/leave/TOKEN") >= 2
    pictures = re.findall(r"<img[^>]*>", texts[0])
    assert pictures
    for picture in pictures:
        assert not re.search(r'(width|height)="?[01]"?[ />]', picture), picture
        source = re.search(r'src="([^"]*)"', picture)
        assert source
        assert "?" not in source[1]
