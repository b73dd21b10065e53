"""Relays are called up to where a mail would begin: each says what it is, and nothing is ever sent to it."""

import socket
from pathlib import Path

import pytest
import trustme

from newsletter.deliver.backends.session import Server
from newsletter.doctor.line import Line, Verdict
from newsletter.doctor.names import Names
from newsletter.doctor.relay import call, relays, workers
from newsletter.readers.crew import Crew
from newsletter.readers.database import Database
from tests.cluster import Cluster
from tests.deliver.scripted_server import OFFERS, Act, ScriptedServer, drop, say
from tests.doctor.conftest import Dns, Make, only, told
from tests.doctor.papers import NOW, papers

PASSWORD = "sésame, ouvre-toi"

pytestmark = pytest.mark.usefixtures("believed")

# Where nobody is asked: a port on which nothing can be heard.
NOBODY = Names([("127.0.0.1", 9)], patience=0.1, one_try=0.1)


def server_at(scripted: ScriptedServer, *, username: str = "paper") -> Server:
    return Server(
        host="127.0.0.1",
        port=scripted.port,
        security="tls" if scripted.implicit_tls else "starttls",
        username=username,
        password=PASSWORD,
    )


def lines_of(scripted: ScriptedServer, octets: int | None = 75_000, **more: str) -> list[Line]:
    """What is told of a relay, to which no mail is ever begun."""
    lines = list(call(server_at(scripted, **more), octets, NOW, NOBODY))
    for visit in scripted.visits:
        visit.join(2)
        said = b"".join(visit.lines)
        assert b"MAIL" not in said
        assert b"RCPT" not in said
    assert scripted.received == scripted.homeless == []
    return lines


@pytest.mark.parametrize("implicit", [False, True])
def test_a_good_relay_is_secured_logged_in_to_and_left(implicit: bool) -> None:
    offers = (*OFFERS, b"SMTPUTF8")
    with ScriptedServer(tls=papers("127.0.0.1"), implicit_tls=implicit, offers=offers) as scripted:
        server, tls, size = lines_of(scripted)
        assert told([server, size]) == [
            (
                f"127.0.0.1:{scripted.port}",
                "pass",
                "answers, logged in as paper; offers PIPELINING, 8BITMIME, SMTPUTF8",
            ),
            ("Size", "pass", "takes mails of 1,000.0 MB, and the next issue has 0.07 MB"),
        ]
        assert tls.verdict is Verdict.PASS
        assert tls.seen.startswith("TLSv1.3 TLS_")
        assert tls.seen.endswith("the certificate holds until 2027-01-22, 60 days")
        assert scripted.visits[0].lines[-1] == b"QUIT"


def test_a_certificate_that_ends_soon_is_told() -> None:
    with ScriptedServer(tls=papers("127.0.0.1", days=20)) as scripted:
        tls = lines_of(scripted)[1]
    assert (tls.verdict, tls.do) == (Verdict.WARN, "ask the relay's keeper to renew it")


def test_a_certificate_of_another_host_or_authority_fails() -> None:
    for context in (papers("elsewhere.invalid"), papers("127.0.0.1", authority=trustme.CA())):
        with ScriptedServer(tls=context) as scripted:
            line = only(lines_of(scripted))
            assert line.verdict is Verdict.FAIL
            assert "the certificate does not hold" in line.seen
            assert line.do


@pytest.mark.parametrize(
    ("acts", "verdict", "words"),
    [
        ({"AUTH": say(b"535 5.7.8 bad credentials\r\n")}, "fail", "535 5.7.8 bad credentials"),
        ({"AUTH": say(b"454 4.7.0 not now\r\n")}, "unknown", "454 4.7.0 not now"),
        ({"greeting": say(b"554 5.7.1 not you\r\n")}, "unknown", "554 5.7.1 not you"),
        ({"greeting": drop}, "unknown", "no answer to greeting"),
        ({"STARTTLS": say(b"502 5.5.1 what?\r\n")}, "fail", "502 5.5.1 what?"),
        ({"EHLO": drop}, "unknown", "no answer to EHLO"),
    ],
)
def test_a_relay_that_says_no_fails_and_one_that_says_nothing_or_later_is_unknown(
    acts: dict[str, Act], verdict: str, words: str
) -> None:
    with ScriptedServer(acts, tls=papers("127.0.0.1")) as scripted:
        line = only(lines_of(scripted))
    assert (line.title, line.verdict.value) == (f"127.0.0.1:{scripted.port}", verdict)
    assert words in line.seen


def test_a_relay_without_tls_or_login_is_not_given_the_password() -> None:
    with ScriptedServer() as scripted:
        line = only(lines_of(scripted))
    assert (line.verdict, line.seen) == (Verdict.FAIL, "the server does not offer STARTTLS")
    with ScriptedServer(tls=papers("127.0.0.1"), offers=[b"SIZE 1000"]) as scripted:
        line = only(lines_of(scripted))
    assert (line.verdict, line.seen) == (Verdict.FAIL, "the server offers neither AUTH PLAIN nor AUTH LOGIN")


@pytest.mark.parametrize(
    ("size", "octets", "verdict", "seen"),
    [
        (b"SIZE 80000", 75_000, "fail", "takes mails of 0.1 MB, and the next issue has 0.07 MB"),
        (b"SIZE 90000", 75_000, "pass", "takes mails of 0.1 MB, and the next issue has 0.07 MB"),
        (b"SIZE", 75_000, "unknown", "the relay does not say how large a mail may be"),
        (b"SIZE 90000", None, "unknown", "takes mails of 0.1 MB; there is no issue to compare with"),
    ],
)
def test_the_largest_mail_it_takes_is_held_against_ours(
    size: bytes, octets: int | None, verdict: str, seen: str
) -> None:
    with ScriptedServer(tls=papers("127.0.0.1"), offers=[b"AUTH PLAIN", size]) as scripted:
        line = lines_of(scripted, octets)[2]
    assert (line.title, line.verdict.value, line.seen) == ("Size", verdict, seen)


def test_a_closed_port_is_unknown_since_it_may_be_open_from_elsewhere() -> None:
    with ScriptedServer() as scripted:
        server = server_at(scripted)
    line = only(call(server, 1, NOW, NOBODY))
    assert (line.verdict, line.seen) == (
        Verdict.UNKNOWN,
        "cannot be reached from here: no connection: Connection refused",
    )


def test_a_host_that_dns_says_does_not_exist_fails_and_one_that_it_is_silent_about_is_unknown(
    dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*about: object, **more: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)  # whatever resolver this machine has, it is not asked
    server = Server(host="smtp.relay.invalid", port=587)
    line = only(call(server, 1, NOW, dns({})))
    assert (line.verdict, line.seen) == (Verdict.FAIL, "there is no host 'smtp.relay.invalid'")
    for names in (
        dns({}, walled=True),
        dns({}, failing=["smtp.relay.invalid"]),
        dns({"smtp.relay.invalid": {"A": ["192.0.2.1"]}}),
    ):
        line = only(call(server, 1, NOW, names))
        assert (line.verdict, line.seen) == (
            Verdict.UNKNOWN,
            "cannot be reached from here: no connection: Name or service not known",
        )


# ---- whichever backend it is ----


def test_each_relay_is_called_and_without_a_password_the_machine_itself(
    dns: Dns, case: Make, paper_root: Path
) -> None:
    with ScriptedServer() as one, ScriptedServer({"greeting": drop}) as two:
        settings = (
            f'[backends.smtp]\nhost = "127.0.0.1"\nport = {one.port}\nsecurity = "plain"\n'
            f'fallback = ["localhost:{two.port}"]\n'
        )
        lines = told(relays(case(settings, backend="smtp", names=dns())))
        assert [(title, verdict) for title, verdict, _ in lines] == [
            (f"127.0.0.1:{one.port}", "pass"),
            ("TLS", "pass"),
            ("Size", "pass"),
            (f"localhost:{two.port}", "unknown"),
        ]
        assert lines[0][2] == "answers, no login asked for; offers PIPELINING, 8BITMIME"
        assert lines[1][2] == "none, and none needed: the relay is this machine"


def test_of_several_relays_each_line_names_its_own(dns: Dns, case: Make, paper_root: Path) -> None:
    with ScriptedServer() as one, ScriptedServer() as two:
        settings = "".join(
            f'[relays.{name}]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "plain"\n'
            for name, server in (("paris", one), ("lyon", two))
        )
        lines = told(relays(case(settings, backend="smtp", names=dns())))
    assert [(title, verdict) for title, verdict, _ in lines] == [
        (f"paris: 127.0.0.1:{one.port}", "pass"),
        ("paris: TLS", "pass"),
        ("paris: Size", "pass"),
        (f"lyon: 127.0.0.1:{two.port}", "pass"),
        ("lyon: TLS", "pass"),
        ("lyon: Size", "pass"),
    ]


def test_a_relay_that_nobody_works_for_is_told(case: Make, cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.cleared()
    settings = f'[relays.paris]\n[relays.lyon]\n[relays.old]\nshare = 0\n[store]\nurl = "{url}"\n'
    assert told(workers(case(settings))) == [("Workers", "warn", "nobody works for paris and lyon")]
    with Database.open(url, tmp_path) as database:
        crew = Crew(database)
        for name, relay in (("web1:7", "paris"), ("web2:8", "paris"), ("web2:8", "lyon")):
            crew.sign(name, relay, batch=None, per_second=0.0)
    assert told(workers(case(settings))) == [("Workers", "pass", "1 for lyon, 2 for paris")]
    assert told(workers(case())) == []


def test_offline_nobody_is_called(case: Make) -> None:
    with ScriptedServer() as scripted:
        settings = f'[backends.smtp]\nhost = "127.0.0.1"\nport = {scripted.port}\nsecurity = "plain"\n'
        lines = told(relays(case(settings, backend="smtp")))
        assert lines == [(f"127.0.0.1:{scripted.port}", "unknown", "not looked at: --offline")]
        assert scripted.visits == []


def test_other_backends_say_what_they_can(dns: Dns, case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("folder", "maildir", "console", "memory"):
        found = case(backend=name, names=dns())
        verdict = "unknown" if found.reaches_people else "pass"
        assert told(relays(found))[0][1] == verdict, name
        assert not (found.root / ".newsletter").exists()
    assert told(relays(case(names=dns()))) == [
        ("Program", "pass", "there"),
        ("Relay", "unknown", "the queue of this machine is its mail server's affair"),
    ]
    ses = '[backends.ses]\nregion = "eu-west-3"\n'
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    assert told(relays(case(ses, backend="ses", names=dns()))) == [
        ("Credentials", "pass", "there"),
        ("Quota", "unknown", "SES is not asked what it would take without a mail to send"),
    ]
    assert told(relays(case(ses, backend="ses")))[0] == ("Relay", "unknown", "not looked at: --offline")


def test_a_program_that_has_gone_fails(dns: Dns, case: Make, tmp_path: Path) -> None:
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\n", encoding="ascii")
    program.chmod(0o755)
    text = '[publication]\nname = "x"\nsender = "x <a@lettre.invalid>"\n[send]\nbackend = "sendmail"\n'
    found = case(f'[backends.sendmail]\ncommand = "{program}"\n', backend="", text=text, names=dns())
    assert found.reaches_people
    program.unlink()
    assert told(relays(found))[0] == ("Program", "fail", f"{program}: cannot be run")


def test_a_backend_whose_settings_are_wrong_is_not_called(dns: Dns, case: Make) -> None:
    assert told(relays(case(backend="smtp", names=dns()))) == [
        ("Relay", "unknown", "not called: its settings are at fault, see above")
    ]


def test_what_somebody_elses_backend_can_do_is_not_known(
    dns: Dns, case: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = tmp_path / "pigeon-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1.0\n", encoding="ascii")
    (facts / "entry_points.txt").write_text(
        "[newsletter.backends]\npigeon = pigeon:configured\n", encoding="ascii"
    )
    (tmp_path / "pigeon.py").write_text(
        "class Pigeon:\n    reaches_people = True\n\ndef configured(table):\n    return Pigeon()\n",
        encoding="ascii",
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert told(relays(case(backend="pigeon", names=dns()))) == [
        ("Relay", "unknown", "the backend 'pigeon' cannot be tried without a mail")
    ]
