"""The domains that mail comes from and goes back to: they exist, and somebody takes the mail there."""

import ipaddress
import re
from collections.abc import Iterator

from newsletter.doctor.case import OFFLINE, Case, domain_of
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.names import Names, Silence

_GENERIC = re.compile(r"dyn|dsl|dial|pool|ppp|dhcp|client|customer|broadband|static|(?:^|[.-])ip[.-]?\d")

LINES = 3
"""Names of mail servers that are shown."""


def mail_domains(case: Case) -> Iterator[Line]:
    """The From's domain, that of return paths, and that of answers."""
    domains = {case.from_domain: "From", case.envelope_domain: "return paths"}
    if case.config.publication.reply_to:
        domains.setdefault(domain_of(case.config.publication.reply_to), "answers")
    for domain in domains:
        title = f"Mail to {domain}"
        try:
            yield takes_mail(domain, case.names) if case.names else unknown(title, OFFLINE)
            yield has_zone(domain, case.names) if case.names else unknown(f"Zone of {domain}", OFFLINE)
        except Silence as silence:
            yield unknown(title, str(silence))


def takes_mail(domain: str, names: Names) -> Line:
    """Whether mail for a domain has somewhere to go: MX, or else its own address (RFC 5321 §5.1)."""
    title = f"Mail to {domain}"
    servers = names.mail_servers(domain)
    if any(not each.host for each in servers):
        do = f"take the null MX (RFC 7505) out of {domain}, or write from a domain that gets mail"
        return fails(title, "its MX says that nobody gets mail there", do)
    if not servers:
        if names.addresses(domain):
            do = f"add an MX record to {domain}"
            return warns(title, "has no MX; it goes to the host of that name", do)
        do = f"add an MX record to {domain}: bounces and answers go there"
        return fails(title, "has no MX and no address: nothing can come back", do)
    homeless = [each.host for each in servers if not names.addresses(each.host)]
    shown = ", ".join(each.host for each in servers[:LINES])
    if len(homeless) == len(servers):
        return fails(title, f"goes to {shown}, which has no address", f"put the MX of {domain} right")
    if homeless:
        do = f"take {homeless[0]} out of the MX of {domain}"
        return warns(title, f"goes to {shown}; {', '.join(homeless)} has no address", do)
    return passes(title, f"goes to {shown}")


def has_zone(domain: str, names: Names) -> Line:
    """Whether the domain, or one above it, is a zone (SOA), as Yahoo wants it."""
    title = f"Zone of {domain}"
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        above = ".".join(labels[start:])
        if names.is_zone(above):
            return passes(title, f"{above} has an SOA")
    return fails(title, "no SOA: the domain is not in DNS", f"register {domain}, or put its zone into DNS")


def pointers(case: Case) -> Iterator[Line]:
    """The names of the addresses that mail leaves from."""
    if not case.ips:
        do = "newsletter doctor --ip ADDRESS, if you know which address your mail leaves from"
        seen = "the relay's duty: which address it sends from is not known here"
        yield unknown("Name of the sender's address", seen, do)
    for ip in case.ips:
        title = f"Name of {ip}"
        try:
            yield has_name(ip, case.names) if case.names else unknown(title, OFFLINE)
        except Silence as silence:
            yield unknown(title, str(silence))


def has_name(ip: str, names: Names) -> Line:
    """Whether an address has a name that leads back to it, and is a mail server's (Gmail's 5.7.25)."""
    title = f"Name of {ip}"
    do = "ask whoever gave you the address for a PTR record, such as mail.your-domain"
    found = names.pointers(ip)
    if not found:
        return fails(title, "has none (PTR): Gmail and others refuse its mail", do)
    own = ipaddress.ip_address(ip)
    back = [name for name in found if own in map(ipaddress.ip_address, names.addresses_like(name, ip))]
    if not back:
        do = f"give {found[0]} the address {ip}, or have the PTR name a host that has it"
        return fails(title, f"{found[0]}, which does not lead back to it", do)
    if _looks_generic(back[0], ip):
        return warns(title, f"{back[0]}, as providers name their customers' lines", do)
    return passes(title, f"{back[0]}, which leads back to it")


def _looks_generic(name: str, ip: str) -> bool:
    """Whether a name is one of a series that a provider gives to addresses, rather than a mail server's."""
    host = name.split(".")[0]
    numbers = re.findall(r"\d+", host)
    if ":" not in ip and len([octet for octet in ip.split(".") if octet in numbers]) >= 3:
        return True
    return bool(_GENERIC.search(name.rsplit(".", 2)[0])) and bool(numbers)
