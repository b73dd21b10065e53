"""The door: by which name, from where, what the browser is told, and what is said when something fails."""

import sqlite3
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import pytest

from newsletter.model import Status
from newsletter.web.live.door import fault, named, who
from newsletter.web.live.office import page_address
from tests.web.live.conftest import FIRST, Live
from tests.web.live.test_joining import title

PROXIES = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "asks"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["1.2.3.4, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["1.2.3.4", "192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["<script>"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, , "], "10.0.0.1"),
        ("", ["192.0.2.7"], ""),
    ],
)
def test_who_asks_is_the_last_that_no_proxy_of_ours_is(peer: str, forwarded: list[str], asks: str) -> None:
    assert who(peer, forwarded, PROXIES) == asks


@pytest.mark.parametrize(
    ("hosts", "known"),
    [
        (["lettre.invalid"], True),
        (["LETTRE.invalid:8443"], True),
        (["lettre.invalid."], True),
        (["[::1]:8000"], True),
        (["evil.example"], False),
        (["lettre.invalid.evil.example"], False),
        (["lettre.invalid@evil.example"], False),
        (["lettre.invalid", "lettre.invalid"], False),
        (["["], False),
        ([""], False),
        ([], False),
    ],
)
def test_a_request_names_the_site_once(hosts: list[str], known: bool) -> None:
    assert named(hosts, {"lettre.invalid", "::1"}) is known


def test_whoever_asks_for_another_site_gets_nothing_of_this_one(live: Live) -> None:
    answer = live.get("", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.text) == (421, "not the name of this site\n")
    assert live.get("", headers={"Host": "127.0.0.1:8000"}).status_code == 200


def every_answer(live: Live) -> dict[str, tuple[int, dict[str, str]]]:
    lea = live.add()
    paths = {
        "front": "",
        "article": FIRST,
        "archive": "archive/",
        "sheet": "site.css",
        "join": "join",
        "leave": live.leave_path(lea),
        "mine": live.mine_path(lea),
        "confirm": "confirm/x",
        "none": "none",
        "health": "healthz",
    }
    found = {name: live.get(path) for name, path in paths.items()}
    found["not allowed"] = live.post("healthz")
    found["asked"] = live.post("join", {"email": "a@b", "website": "x"})
    return {name: (answer.status_code, dict(answer.headers)) for name, answer in found.items()}


def test_every_answer_says_what_the_browser_may_do_with_it(live: Live) -> None:
    answers = every_answer(live)
    for name, (_, headers) in answers.items():
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["x-frame-options"] == "DENY", name
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; "), name
        assert "frame-ancestors 'none'" in policy, name
        assert ("script-src" in policy) is (name == "archive"), name
        assert "unsafe" not in policy
        assert "set-cookie" not in headers
        assert "server" not in headers
    secret = {"leave", "mine", "confirm", "none", "not allowed"}
    assert {name for name, (_, h) in answers.items() if h["referrer-policy"] == "no-referrer"} == {
        *secret,
        "health",
    }
    kept = {name for name, (_, headers) in answers.items() if headers["cache-control"] != "no-store"}
    assert kept == {"front", "article", "archive", "sheet"}


def test_what_goes_wrong_is_told_in_the_readers_language_and_not_in_ours(live: Live) -> None:
    lea = live.add()
    assert title(live.get("none").text) == "Cette page n’existe pas"
    wrong = live.post("archive/")
    assert (wrong.status_code, title(wrong.text)) == (405, "Cela ne se fait pas ici")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "HEAD"}
    large = live.visitor().post("/actu/join", content=b"email=" + b"x" * 16_400)
    assert (large.status_code, title(large.text)) == (413, "C’est trop à la fois")
    many = live.visitor().post("/actu/join", content=b"&".join(b"a%d=b" % n for n in range(100)))
    assert (many.status_code, title(many.text)) == (422, "Il manque quelque chose")
    assert live.post(live.leave_path(lea), {"do": "x"}).status_code == 422


def test_a_fault_of_ours_is_logged_without_what_it_said(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    lea = live.add()
    path = live.leave_path(lea)

    def broken(self: object, reader_id: str) -> None:
        raise RuntimeError(f"lea@example.org {reader_id}")

    monkeypatch.setattr("newsletter.readers.store.Readers.get", broken)
    answer = live.get(path)
    assert (answer.status_code, title(answer.text)) == (500, "Quelque chose n’a pas marché")
    assert "lea" not in answer.text
    (line,) = live.log
    assert line.startswith("A fault while answering GET /leave: RuntimeError at ")
    assert "leaving.py:" in line
    assert "lea@example.org" not in line
    assert path.removeprefix("leave/") not in line
    live.log.clear()


def test_f28_a_database_that_cannot_be_written_is_told_as_what_will_pass(live: Live) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    with closing(sqlite3.connect(Path(live.office.database.where))) as other:
        other.execute("BEGIN IMMEDIATE")  # another program, which does not let go
        answers = [live.post(path, {"do": "leave"}), live.sign_up("max@example.org")]
        other.rollback()
    for answer in answers:
        assert (answer.status_code, title(answer.text)) == (503, "Un instant, s’il vous plaît")
        assert answer.headers["Retry-After"] == "60"
    assert live.status() is Status.ACTIVE
    assert live.asked() == 0
    assert [line.rpartition("StoreError")[1] for line in live.log] == ["StoreError"] * 2
    live.log.clear()
    assert live.post(path, {"do": "leave"}).status_code == 200
    assert live.status() is Status.LEFT


def test_a_fault_is_named_by_its_kind_and_place() -> None:
    try:
        page_address(None)  # type: ignore[arg-type]
    except TypeError as error:
        words = fault(error)
    assert words.startswith("TypeError at office.py:")
    assert fault(ValueError("secret")) == "ValueError at a place outside of the press"
