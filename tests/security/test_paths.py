"""No path that is written in an article leads out of its folder, not even while somebody swaps its parts."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from newsletter.compose.pictures.prepared import prepare
from newsletter.errors import ContentError
from newsletter.model import Picture
from tests.conftest import Newsletter, write_issue

PATHS = (
    "../secret.png",
    "..\\secret.png",
    "../../secret.png",
    "sub/../../secret.png",
    "./../secret.png",
    "/etc/passwd",
    "//etc/passwd",
    "file:///etc/passwd",
    "%2e%2e/secret.png",
    "..%2fsecret.png",
    "%2e%2e%2fsecret.png",
    "..;/secret.png",
    "....//secret.png",
    "link.png",
    "linked/secret.png",
    "loop.png",
    "secret.png%00.png",
    "~/secret.png",
    "$HOME/secret.png",
    "/proc/self/environ",
    "/dev/zero",
    "/dev/stdin",
    "C:\\secret.png",
    "\\\\host\\secret.png",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_issues_folder(paper: Path, newsletter: Newsletter, path: str) -> None:
    Image.new("RGB", (40, 40), "#ff0000").save(paper / "issues/secret.png")
    Image.new("RGB", (40, 40), "#ff0000").save(paper / "secret.png")
    article = f"---\ntitle: T\nauthor: Z\npicture: '{path}'\nalt: a\n---\n![x](<{path}>)\n"
    folder = write_issue(paper, "2026-11-23", **{"01_un": article})
    (folder / "link.png").symlink_to(paper / "secret.png")
    (folder / "linked").symlink_to(paper)
    (folder / "loop.png").symlink_to("loop.png")
    answer = newsletter("build", "2026-11-23", "-o", "built")
    assert answer.code == 3
    assert not (paper / "built").exists()
    assert "root:" not in answer.err


def made(issue: Path) -> bytes:
    picture = Picture(path=issue / "sub/p.png", alt="a", where="01-a.md:4")
    return prepare(picture, folder=issue, display_width=8, src=str).content


@contextlib.contextmanager
def swapped(one: Path, other: Path) -> Iterator[None]:
    """Two names that are exchanged for each other as fast as it goes."""
    stop = threading.Event()
    aside = one.with_name("aside")

    def swap() -> None:
        while not stop.is_set():
            os.rename(one, aside)  # noqa: PTH104
            os.rename(other, one)  # noqa: PTH104
            os.rename(one, other)  # noqa: PTH104
            os.rename(aside, one)  # noqa: PTH104

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("part", ["file", "folder"])
def test_a_part_that_is_swapped_for_a_link_meanwhile_is_not_followed(tmp_path: Path, part: str) -> None:
    """What is inside is red; outside lies a blue one of the same name, and a link that leads there."""
    issue, outside = tmp_path / "2026-11-23", tmp_path / "outside"
    (issue / "sub").mkdir(parents=True)
    outside.mkdir()
    Image.new("RGB", (8, 8), "#ff0000").save(issue / "sub/p.png")
    Image.new("RGB", (8, 8), "#0000ff").save(outside / "p.png")
    inside = issue / "sub/p.png" if part == "file" else issue / "sub"
    link = issue / "link"
    link.symlink_to(outside / "p.png" if part == "file" else outside)
    red, read, refused = made(issue), 0, 0
    with swapped(inside, link):
        for _ in range(800):
            try:
                assert made(issue) == red, "it was read from outside"
                read += 1
            except ContentError:
                refused += 1
    assert (read > 0, refused > 0) == (True, True)
