"""Who may send in our name, as DNS tells every receiver: SPF, DKIM and DMARC."""

from collections.abc import Iterator, Sequence
from functools import partial

from newsletter.deliver.backends.sendmail import SendmailBackend
from newsletter.deliver.backends.ses import SesBackend
from newsletter.deliver.dkim import public_record, read_seals
from newsletter.doctor.case import Case
from newsletter.doctor.dmarc import REMOVED, Found, Policy, aligned, walk
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.names import Names
from newsletter.doctor.relay import servers_of
from newsletter.doctor.spf import MOST_LOOKUPS, Broken, Record, record_of, tree_of
from newsletter.doctor.spf_sender import Asked, Sender
from newsletter.errors import ConfigError

SPF, DKIM, DMARC = "SPF", "DKIM", "DMARC"


def spf(case: Case) -> Iterator[Line]:
    """The record of the domain that mail comes back to, and whether our mail passes by it."""
    if isinstance(case.backend, SesBackend):
        do = "set a MAIL FROM domain in SES, so that SPF speaks for your own"
        yield unknown(SPF, "SES puts a return path of its own on mail, unless told otherwise", do)
        return
    domain = case.envelope_domain
    try:
        yield from case.in_dns(SPF, lambda names: _spf(case, domain, names))
    except Broken as error:
        yield fails(SPF, str(error), f"put the SPF record of {domain} right")


def _spf(case: Case, domain: str, names: Names) -> Iterator[Line]:
    record = record_of(domain, names)
    if record is None:
        do = f'add a TXT record to {domain}: "v=spf1 include:YOUR-RELAY -all"'
        yield fails(SPF, f"{domain} has no record: Microsoft and others refuse its mail", do)
        return
    yield spf_record(domain, record, names)
    yield from spf_senders(case, domain, names)


def spf_record(domain: str, record: Record, names: Names) -> Line:
    """Whether a record holds up with all that it leads to."""
    tree = tree_of(domain, record, names)
    seen = f"{domain}: {record.text}"
    if tree.faults:
        return fails(SPF, f"{'; '.join(tree.faults)}", f"put the SPF record of {domain} right")
    if tree.lookups > MOST_LOOKUPS:
        do = "take out includes that you do not use; the rest is void for every receiver"
        return fails(SPF, f"{seen} takes {tree.lookups} lookups, and {MOST_LOOKUPS} are allowed", do)
    if record.last_word == "+all":
        return fails(SPF, f"{seen} lets the whole world send", "end it with -all")
    if record.last_word in ("", "?all"):
        return warns(SPF, f"{seen} says nothing about everybody else", "end it with -all or ~all")
    return passes(SPF, f"{seen} ({tree.lookups} of {MOST_LOOKUPS} lookups)")


def spf_senders(case: Case, domain: str, names: Names) -> Iterator[Line]:
    """Whether the record lets our mail pass, as far as it is known where it leaves from."""
    address = case.config.send.bounces or case.config.publication.sender.address
    for ip in case.ips:
        title = f"SPF for {ip}"
        found = Asked(Sender(ip, address), names).result(domain)
        if found == "pass":
            yield passes(title, f"pass: it may send for {domain}")
        else:
            do = f"add ip{6 if ':' in ip else 4}:{ip} to the SPF record of {domain}"
            yield fails(title, f"{found}: it may not send for {domain}", do)
    if case.ips:
        return
    title = "SPF for the relay"
    do = "newsletter doctor --ip ADDRESS, if you know which address your mail leaves from"
    servers = [server.host for server in servers_of(case) if not server.is_loopback]
    if not servers:
        here = isinstance(case.backend, SendmailBackend) or servers_of(case)
        seen = "mail leaves from an address of this machine" if here else "no relay is set up"
        yield unknown(title, f"{seen}: which is not known", do)
    for host in servers:
        results = {Asked(Sender(ip, address), names).result(domain) for ip in names.addresses(host)}
        told = " and ".join(sorted(results)) or "it has no address"
        yield unknown(title, f"{told} for {host} itself; what it sends from is its own affair", do)


def dkim(case: Case) -> Iterator[Line]:
    """Each key that signs, against what DNS says of it."""
    settings = case.config.dkim
    if not settings.selectors:
        do = f"newsletter dkim keygen; or see that the relay signs for {settings.domain}"
        yield unknown(DKIM, "not signed here; whether the relay signs is its affair", do)
        return
    try:
        _, dangers = read_seals(settings)
    except ConfigError as error:
        yield fails(DKIM, str(error), error.hint)
        return
    for danger in dangers:
        what, _, do = danger.partition("; ")
        yield warns(DKIM, what, do)
    for selector in settings.selectors:
        name = f"{selector}._domainkey.{settings.domain}"
        yield from case.in_dns(
            f"DKIM {selector}", partial(_dkim_lines, name, public_record(settings, selector))
        )


def _dkim_lines(name: str, ours: str, names: Names) -> Iterator[Line]:
    yield dkim_record(name, ours, names.texts(name))


def dkim_record(name: str, ours: str, texts: Sequence[str]) -> Line:
    """Whether the TXT records at `name` publish the other half of our key."""
    title = f"DKIM {name.partition('.')[0]}"
    found = [tags for text in texts if "p" in (tags := _tags(text))]
    do = f'let the TXT record at {name} be: "{ours}"'
    if not found:
        return fails(title, f"{name} has no key: nobody can check the signature", do)
    if len(found) > 1:
        return fails(title, f"{name} has {len(found)} keys, and one is allowed (RFC 6376 §3.6.2.2)", do)
    (tags,) = found
    mine = _tags(ours)
    if not tags["p"]:
        return fails(title, f"{name} says that the key is revoked", "newsletter dkim keygen ANOTHER-SELECTOR")
    if (tags["p"], tags.get("k", "rsa").lower()) != (mine["p"], mine["k"]):
        return fails(title, f"{name} has another key than ours: every signature fails", do)
    if "sha256" not in tags.get("h", "sha256").lower().split(":"):
        return fails(title, f"{name} does not allow SHA-256 (h={tags['h']})", f"take h= out of {name}")
    if not {"*", "email"} & set(tags.get("s", "*").lower().split(":")):
        return fails(title, f"{name} is not for mail (s={tags['s']})", f"take s= out of {name}")
    if "y" in tags.get("t", "").lower().split(":"):
        return warns(title, f"{name} says that it is being tried out (t=y)", f"take t=y out of {name}")
    return passes(title, f"{name} has our key")


def _tags(text: str) -> dict[str, str]:
    """The tags of a DKIM record, without the white space that may stand in them (RFC 6376 §3.2)."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(" \t").lower(): "".join(value.split()) for name, _, value in pairs}


def dmarc(case: Case) -> Iterator[Line]:
    """The policy of the From's domain, and whether SPF and DKIM speak for it."""
    yield from case.in_dns(DMARC, lambda names: _dmarc(case, names))


def _dmarc(case: Case, names: Names) -> Iterator[Line]:
    found = walk(case.from_domain, names)
    yield dmarc_record(found)
    if found.policy:
        yield from _reports(found, found.policy, names)
        yield alignment(found, *_signers(case, names))


def dmarc_record(found: Found) -> Line:
    """Whether there is a policy, and what is wrong with it."""
    policy = found.policy
    if found.domain in found.many:
        do = f"keep one of the records at _dmarc.{found.domain}"
        return fails(DMARC, f"_dmarc.{found.domain} has several records: none of them counts", do)
    if policy is None:
        do = f'add a TXT record to _dmarc.{found.domain}: "v=DMARC1; p=none; rua=mailto:YOU"'
        return fails(DMARC, f"{found.domain} has none: Gmail, Yahoo and Microsoft ask for one", do)
    place = f"_dmarc.{policy.domain}"
    wish = policy.tag("sp", policy.wish) if policy.domain != found.domain else policy.wish
    if not wish:
        return warns(DMARC, f"{place} has no p= that is understood: it counts as none", f"set p= at {place}")
    tested = ", only tried out (t=y)" if policy.tag("t") == "y" else ""
    seen = f"{place} asks for {wish}{tested}"
    if gone := [tag for tag in REMOVED if tag in policy.tags]:
        do = f"take {'=, '.join(gone)}= out of {place}"
        return warns(DMARC, f"{seen}; {', '.join(gone)} went with RFC 9989, receivers pass over it", do)
    if not policy.report_domains:
        do = f"add rua=mailto:SOMEBODY@{policy.domain} to {place}"
        return warns(DMARC, f"{seen}; nobody is told who sends in your name (rua)", do)
    return passes(DMARC, seen)


def _reports(found: Found, policy: Policy, names: Names) -> Iterator[Line]:
    """Whether another domain that reports go to has said that it wants them (RFC 9990 §4)."""
    for place in dict.fromkeys(policy.report_domains):
        if aligned(walk(place, names), found, strict=False):
            continue
        name = f"{policy.domain}._report._dmarc.{place}"
        if not any(text.startswith("v=DMARC1") for text in names.texts(name)):
            do = f'have {place} add a TXT record to {name}: "v=DMARC1"'
            yield warns("DMARC reports", f"{place} has not said that it takes them: they are not sent", do)


def alignment(found: Found, by_spf: Found | None, by_dkim: Found | None) -> Line:
    """Whether the domains that SPF and DKIM speak for are the From's; None for what is not known."""
    title = "Alignment"
    strict = {tag: found.policy is not None and found.policy.tag(tag) == "s" for tag in ("aspf", "adkim")}
    told: dict[str, bool | None] = {"SPF": None, "DKIM": None}
    words = [f"the From is {found.domain}"]
    for name, tag, signer in (("SPF", "aspf", by_spf), ("DKIM", "adkim", by_dkim)):
        if signer is None:
            words.append(f"what {name} speaks for is not known here")
        else:
            told[name] = aligned(found, signer, strict=strict[tag])
            words.append(f"{name} speaks for {signer.domain}")
    seen = "; ".join(words)
    do = f"set [send] bounces and [dkim] domain to {found.organisation} or below it"
    if all(told.values()):
        return passes(title, seen)
    if None in told.values():
        aside = "newsletter dkim keygen" if by_dkim is None else "set a MAIL FROM domain in SES"
        return unknown(title, seen, do if False in told.values() else aside)
    return warns(title, seen, do) if any(told.values()) else fails(title, seen, do)


def _signers(case: Case, names: Names) -> tuple[Found | None, Found | None]:
    """What SPF and DKIM speak for; None where somebody else decides that."""
    foreign = isinstance(case.backend, SesBackend)
    return (
        None if foreign else walk(case.envelope_domain, names),
        walk(case.config.dkim.domain, names) if case.config.dkim.selectors else None,
    )
