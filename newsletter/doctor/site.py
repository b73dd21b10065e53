"""The site, asked over the network like anybody: one click works, looking does nothing, issues are there."""

from collections.abc import Iterator
from datetime import timedelta

from newsletter.doctor.case import Case
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.web import NoAnswer, Said, ask
from newsletter.errors import ConfigError, StoreError
from newsletter.links import PROBED, Purpose
from newsletter.readers.accounts import Accounts
from newsletter.readers.condition import look_at

ONE_CLICK = b"List-Unsubscribe=One-Click"
"""The body of a POST by which a mail program leaves for its reader (RFC 8058 §3.2)."""

LIFE = timedelta(hours=24)
_SERVE = "newsletter serve, behind the web server of that name: docs/serve.md"


def one_click(case: Case) -> Iterator[Line]:
    """A probe that stands for nobody, pressed and looked at."""
    title, url = "One click", case.config.publication.url
    if not url:
        found = fails if case.reaches_people else warns
        yield found(title, "there is no site to leave by", 'set url = "https://…" in [publication]')
        return
    if case.site_unasked:
        yield unknown(title, case.site_unasked)
        return
    try:
        signer = case.signer()
    except ConfigError as error:
        yield fails(title, str(error), error.hint)
        return
    if signer is None:
        yield unknown(title, "no mail was made yet, and no key of links", "newsletter test --to yourself")
        return
    probe = f"{url}/leave/{signer.sign_until(Purpose.PROBE, 'doctor', case.now, LIFE)}"
    try:
        said = ask("POST", probe, ONE_CLICK)
        yield pressed(said, secure=case.secure)
        if said.body == PROBED.encode():
            yield looked_at(ask("GET", probe))
        else:
            yield unknown("Looking", "not looked at: no link of ours is taken there")
    except NoAnswer as error:
        yield not_there(title, url, error)


def pressed(said: Said, *, secure: bool) -> Line:
    """What the answer to the button of a mail program means (RFC 8058 §3.1)."""
    title = "One click"
    if 300 <= said.status < 400:
        to = said.headers.get("location", "nowhere")
        seen = f"answered by a redirection to {to}, which mail programs do not follow"
        return fails(title, seen, "write in [publication] url the address that answers itself")
    if said.status == 404:
        do = f"serve it with the same key and sender as here; {_SERVE}"
        return fails(title, "the site does not know links signed here: nobody can leave", do)
    if said.status != 200:
        return fails(title, f"answered with {said.status}, and mail programs expect 200", _SERVE)
    if said.body != PROBED.encode():
        return fails(title, "something else answers there, which takes no leave", _SERVE)
    if not secure:
        return fails(title, "works, but not by https (RFC 8058 §3.1)", "put a certificate before it")
    return passes(title, "works: 200 at once, no redirection, a certificate that holds")


def looked_at(said: Said) -> Line:
    """What the answer to looking at the same address means: scanners open every link."""
    title = "Looking"
    if said.body == PROBED.encode():
        do = "see what stands before the site and turns a GET into a POST"
        return fails(title, "a GET is taken for a click: scanners will make readers leave", do)
    if said.status != 200:
        return warns(title, f"the link in the mail is answered with {said.status}", _SERVE)
    return passes(title, "a GET is shown a page, and does nothing")


def not_there(title: str, url: str, error: NoAnswer) -> Line:
    """Nobody answers, which may be so from here only; a certificate that does not hold is so for all."""
    if error.untrue:
        return fails(title, f"{url}: {error}", "renew the certificate")
    return unknown(title, f"{url} cannot be reached from here: {error}", _SERVE)


def health(case: Case) -> Iterator[Line]:
    """What the site says of itself."""
    url, title = case.config.publication.url, "Site"
    if case.site_unasked:
        yield unknown(title, case.site_unasked)
        return
    try:
        said = ask("GET", f"{url}/healthz")
    except NoAnswer as error:
        yield not_there(title, url, error)
        return
    if said.status == 200 and b'"well":true' in said.body:
        yield passes(title, "says that it is well")
    elif said.status == 503:
        do = f"curl {url}/healthz; then look at its log"
        yield fails(title, f"says what is wrong at {url}/healthz", do)
    else:
        yield unknown(title, f"{url}/healthz is answered with {said.status}", _SERVE)


def web_version(case: Case) -> Iterator[Line]:
    """The page of the last issue that was sent."""
    title, url = "Web version", case.config.publication.url
    try:
        key = last_issue(case)
    except StoreError as error:
        yield unknown(title, str(error))
        return
    if not key:
        yield unknown(title, "no issue was sent yet")
    elif not url:
        yield warns(title, "there is no site: mails link to none", 'set url = "https://…" in [publication]')
    elif case.site_unasked:
        yield unknown(title, case.site_unasked)
    else:
        try:
            said = ask("GET", f"{url}/{key}/")
        except NoAnswer as error:
            yield not_there(title, url, error)
            return
        if said.status == 200 and f"{url}/{key}/".encode() in said.body:  # a page of ours names its address
            yield passes(title, f"{url}/{key}/ is there")
        elif said.status == 200:
            yield unknown(title, f"{url}/{key}/ is there, and does not say that it is ours", _SERVE)
        else:
            do = f"newsletter serve, or newsletter site build -o FOLDER --with {key}"
            yield fails(title, f"{url}/{key}/ is answered with {said.status}", do)


def last_issue(case: Case) -> str:
    """The key of the last issue that left, "" if none did; raises StoreError."""
    found = look_at(case.config.store, case.root)
    if found is None or found.readers is None:
        return ""
    with case.database() as database:
        return max(Accounts(database).issues_out(), default="")
