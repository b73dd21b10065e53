"""Links visited, on a real HTTP server on the loopback: what is told, what is never connected to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from newsletter.check.online import is_public, visit
from newsletter.check.proof import Visit
from tests.check.conftest import ARTICLE, KEY, make_paper
from tests.conftest import Newsletter


@dataclass
class Site:
    """A web site with a page for each way in which links fail."""

    port: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most: int = 0
    now: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def serve(site: Site, context: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.answer("GET")

        def do_HEAD(self) -> None:
            self.answer("HEAD")

        def answer(self, method: str) -> None:
            with site.lock:
                site.seen.append((method, self.path))
                site.headers.append(dict(self.headers))
                site.now += 1
                site.most = max(site.most, site.now)
            try:
                self.respond(method)
            finally:
                with site.lock:
                    site.now -= 1

        def respond(self, method: str) -> None:
            first, _, rest = self.path.removeprefix("/").partition("/")
            status, location = 200, ""
            if first.isdigit():
                status = int(first)
            elif first == "no-head":
                status = int(rest) if method == "HEAD" else 200
            elif first == "to":
                status, location = 302, f"/{rest}" if rest.startswith(("to/", "page")) else rest
            elif first == "round":
                status, location = 302, self.path
            elif first == "slow":
                time.sleep(float(rest.partition("?")[0]))
            elif first == "drip":
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.1)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Set-Cookie", "who=you")
            self.send_header("Content-Length", "1000000000" if first == "huge" else "0")
            self.end_headers()

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            pass  # the visitor hangs up when it knows enough

    server = Quiet(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    server = serve(site)
    yield site
    server.shutdown()
    server.server_close()


NAMES = {"actu.test": "127.0.0.1", "autre.test": "127.0.0.1", "chez-nous.test": "10.1.2.3"}


def resolve(host: str, port: int) -> list[str]:
    if host in NAMES:
        return [NAMES[host]]
    if host.endswith(".test"):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [host]


def loopback(ip: str) -> bool:
    return ip == "127.0.0.1"


def follow(address: str, *, patience: float = 5.0) -> Visit:
    return visit([address], resolve=resolve, allowed=loopback, patience=patience)[address]


def test_a_page_that_is_there_gives_nothing_to_say(site: Site) -> None:
    assert follow(site.at("/page")) == Visit(status=200)
    assert site.seen == [("HEAD", "/page")]


@pytest.mark.parametrize("status", [404, 410, 500, 503])
def test_a_page_that_is_gone_is_dead(site: Site, status: int) -> None:
    found = follow(site.at(f"/{status}"))
    assert found == Visit(status=status, problem=f"HTTP status {status}", dead=True)


@pytest.mark.parametrize("status", [401, 403, 429, 451])
def test_a_page_that_keeps_programs_out_is_not_dead(site: Site, status: int) -> None:
    found = follow(site.at(f"/{status}"))
    assert found == Visit(status=status, problem=f"HTTP status {status}", dead=False)


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_who_does_not_answer_head_is_asked_again_with_get(site: Site, status: int) -> None:
    assert follow(site.at(f"/no-head/{status}")) == Visit(status=200)
    assert [method for method, _ in site.seen] == ["HEAD", "GET"]


def test_redirections_are_followed_and_shown(site: Site) -> None:
    last = site.at("/page", "autre.test")
    found = follow(site.at(f"/to/to/{last}", "actu.test"))
    assert found == Visit(hops=(site.at(f"/to/{last}", "actu.test"), last), status=200)


def test_a_circle_of_redirections_ends(site: Site) -> None:
    found = follow(site.at("/round"))
    assert (found.problem, len(found.hops), found.dead) == ("more than 5 redirections", 5, False)


def test_a_name_that_leads_into_our_network_is_not_followed(site: Site) -> None:
    found = follow(site.at("/page", "chez-nous.test"))
    assert found.dead
    assert found.problem == "chez-nous.test is in a private network, where we do not go"
    assert site.seen == []


@pytest.mark.parametrize(
    "target",
    ["http://chez-nous.test/", "http://169.254.169.254/latest", "http://[::1]/", "file:///etc/passwd"],
)
def test_neither_is_a_redirection_into_our_network(site: Site, target: str) -> None:
    found = follow(site.at(f"/to/{target}"))
    assert found.dead
    assert found.hops == (target,)
    assert len(site.seen) == 1


def test_by_default_the_loopback_is_not_followed_either(site: Site) -> None:
    address = site.at("/page", "localhost")
    assert visit([address])[address].dead
    assert site.seen == []


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "198.18.0.1", "192.0.2.1"),
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_open_internet_is_known(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909"])
def test_and_so_is_one_that_is(ip: str) -> None:
    assert is_public(ip)


def test_a_site_that_does_not_exist_is_dead() -> None:
    assert follow("https://nulle-part.test/a") == Visit(problem="there is no site nulle-part.test", dead=True)


def test_a_site_where_nobody_answers_is_dead(site: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = follow(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert found == Visit(problem="nobody answers there", dead=True)


@pytest.mark.parametrize("path", ["/slow/3", "/drip"])
def test_patience_ends_even_with_a_site_that_drips(site: Site, path: str) -> None:
    begun = time.monotonic()
    found = follow(site.at(path), patience=0.4)
    assert found == Visit(problem="no answer within 0.4 s")
    assert time.monotonic() - begun < 2


def test_a_name_that_cannot_be_looked_up_in_time_holds_nobody_up(site: Site) -> None:
    def stuck(host: str, port: int) -> list[str]:
        time.sleep(3)
        return ["127.0.0.1"]

    begun = time.monotonic()
    found = visit([site.at("/")], resolve=stuck, allowed=loopback, patience=0.3)
    assert found[site.at("/")].problem == "no answer within 0.3 s"
    assert time.monotonic() - begun < 2


def test_at_most_eight_at_once_and_all_within_their_time(site: Site) -> None:
    addresses = [site.at(f"/slow/0.3?{number}") for number in range(24)]
    found = visit(addresses, resolve=resolve, allowed=loopback, all_patience=0.75)
    assert site.most <= 8
    late = [each for each in found.values() if each.problem == "all links together took more than 0.75 s"]
    assert 0 < len(late) < 24
    assert list(found) == addresses


def test_we_say_who_we_are_and_carry_nothing_along(site: Site) -> None:
    address = f"http://moi:secret@actu.test:{site.port}/to/page#endroit"
    found = visit(
        [address], agent="https://actu5.example.org", resolve=resolve, allowed=loopback, patience=5.0
    )
    assert found[address].status == 200
    for headers in site.headers:
        assert headers["User-Agent"].startswith("actu5-newsletter/")
        assert "https://actu5.example.org" in headers["User-Agent"]
        assert headers["Host"] == f"actu.test:{site.port}"
        assert not {"Cookie", "Authorization", "Referer"} & set(headers)


def test_a_large_page_is_not_read(site: Site) -> None:
    begun = time.monotonic()
    assert follow(site.at("/huge")).status == 200
    assert time.monotonic() - begun < 2


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, trustme.CA]]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("actu.test").configure_cert(context)
    site = Site()
    server = serve(site, context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    yield site, authority
    server.shutdown()
    server.server_close()


def test_a_secure_site_is_known_by_its_name_and_not_by_its_number(secure: tuple[Site, trustme.CA]) -> None:
    site, _ = secure
    assert follow(f"https://actu.test:{site.port}/page") == Visit(status=200)
    found = follow(f"https://autre.test:{site.port}/page")
    assert found == Visit(problem="its certificate is not valid", dead=True)


Findings = Callable[[dict[str, Visit], str], list[tuple[str, str, str]]]


@pytest.fixture
def findings(tmp_path: Path) -> Findings:
    """What is told of visits: rule, place, message."""
    from dataclasses import replace

    from newsletter.check.proofread import proofread
    from newsletter.check.visited import RULES
    from newsletter.cli.proof import proof_of

    names = {rule.name for rule in RULES}

    def look(visits: dict[str, Visit], body: str) -> list[tuple[str, str, str]]:
        press = make_paper(tmp_path, {"01-un.md": ARTICLE + body + "\n"})
        issue = press.issue(press.issue_folder(KEY, nearest=True))
        proof = replace(proof_of(press, issue, press.edition(issue)), visits=visits)
        return [
            (each.rule, str(each.place).rpartition("/")[2], each.message)
            for each in proofread(proof)
            if each.rule in names
        ]

    return look


def test_what_was_found_is_told_where_the_link_was_typed(findings: Findings) -> None:
    visits = {
        "https://a.example/1": Visit(status=404, problem="HTTP status 404", dead=True),
        "https://a.example/2": Visit(status=200, hops=("https://b.example/2",)),
        "https://a.example/3": Visit(status=200, hops=("https://www.a.example/",)),
        "https://a.example/4": Visit(status=200, hops=("https://www.a.example/quatre",)),
        "https://a.example/5": Visit(problem="no answer within 10 s"),
    }
    body = "".join(f"\n[lien {number}](https://a.example/{number})" for number in range(1, 7))
    assert findings(visits, body) == [
        ("dead-link", "01-un.md:6:10", "https://a.example/1: HTTP status 404"),
        ("moved-link", "01-un.md:7:10", "https://a.example/2 -> https://b.example/2 (another site)"),
        (
            "moved-link",
            "01-un.md:8:10",
            "https://a.example/3 -> https://www.a.example/ (the front page: the article may be gone)",
        ),
        (
            "unvisited-link",
            "01-un.md:10:10",
            "https://a.example/5 could not be visited: no answer within 10 s",
        ),
    ]


def test_the_command_goes_online_only_when_asked_to(newsletter: Newsletter, paper: Path, site: Site) -> None:
    folder = next((paper / "issues").iterdir())
    article = next(path for path in sorted(folder.glob("0*.md")))
    address = site.at("/page")
    article.write_text(article.read_text(encoding="utf-8") + f"\n[Lien]({address}).\n", encoding="utf-8")
    assert "dead-link" not in newsletter("check", folder.name).out
    answer = newsletter("check", folder.name, "--online")
    assert "127.0.0.1 is in a private network, where we do not go [dead-link]" in answer.out
    assert site.seen == []
