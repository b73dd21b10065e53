"""The domains that mail comes from and goes back to: they exist, and somebody takes the mail there."""

import ipaddress
import re
from collections.abc import Iterator
from functools import partial

from newsletter.doctor.case import Case, domain_of
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.names import Names

_GENERIC = re.compile(r"dyn|dsl|dial|pool|ppp|dhcp|client|customer|broadband|static|(?:^|[.-])ip[.-]?\d")

LINES = 3
"""Names of mail servers that are shown."""


def mail_domains(case: Case) -> Iterator[Line]:
    """The From's domain, that of return paths, and that of answers."""
    domains = [case.from_domain, case.envelope_domain]
    if case.config.publication.reply_to:
        domains.append(domain_of(case.config.publication.reply_to))
    for domain in dict.fromkeys(domains):
        yield from case.in_dns(f"Mail to {domain}", partial(takes_mail, domain))
        yield from case.in_dns(f"Zone of {domain}", partial(has_zone, domain))


def takes_mail(domain: str, names: Names) -> Iterator[Line]:
    """Whether mail for a domain has somewhere to go: MX, or else its own address (RFC 5321 §5.1)."""
    title = f"Mail to {domain}"
    servers = names.mail_servers(domain)
    if any(not each.host for each in servers):
        do = f"take the null MX (RFC 7505) out of {domain}, or write from a domain that gets mail"
        yield fails(title, "its MX says that nobody gets mail there", do)
        return
    if not servers:
        if names.addresses(domain):
            do = f"add an MX record to {domain}"
            yield warns(title, "has no MX; it goes to the host of that name", do)
            return
        do = f"add an MX record to {domain}: bounces and answers go there"
        yield fails(title, "has no MX and no address: nothing can come back", do)
        return
    homeless = [each.host for each in servers if not names.addresses(each.host)]
    shown = ", ".join(each.host for each in servers[:LINES])
    if len(homeless) == len(servers):
        yield fails(title, f"goes to {shown}, which has no address", f"put the MX of {domain} right")
        return
    if homeless:
        do = f"take {homeless[0]} out of the MX of {domain}"
        yield warns(title, f"goes to {shown}; {', '.join(homeless)} has no address", do)
        return
    yield passes(title, f"goes to {shown}")


def has_zone(domain: str, names: Names) -> Iterator[Line]:
    """Whether the domain, or one above it, is a zone (SOA), as Yahoo wants it."""
    title = f"Zone of {domain}"
    labels = domain.split(".")
    # Above a domain that is not there a registry may have its zone, such as co.uk.
    there = names.is_zone(domain) or names.mail_servers(domain) or names.addresses(domain)
    there = there or names.texts(domain)
    for start in range(len(labels) - 1 if there else 0):
        above = ".".join(labels[start:])
        if names.is_zone(above):
            yield passes(title, f"{above} has an SOA")
            return
    yield fails(title, "no SOA: the domain is not in DNS", f"register {domain}, or put its zone into DNS")


def pointers(case: Case) -> Iterator[Line]:
    """The names of the addresses that mail leaves from."""
    if not case.ips:
        do = "newsletter doctor --ip ADDRESS, if you know which address your mail leaves from"
        seen = "the relay's duty: which address it sends from is not known here"
        yield unknown("Name of the sender", seen, do)
    for ip in case.ips:
        yield from case.in_dns(f"Name of {ip}", partial(has_name, ip))


def has_name(ip: str, names: Names) -> Iterator[Line]:
    """Whether an address has a name that leads back to it, and is a mail server's (Gmail's 5.7.25)."""
    title = f"Name of {ip}"
    do = "ask whoever gave you the address for a PTR record, such as mail.your-domain"
    found = names.pointers(ip)
    if not found:
        yield fails(title, "has none (PTR): Gmail and others refuse its mail", do)
        return
    own = ipaddress.ip_address(ip)
    back = [name for name in found if own in map(ipaddress.ip_address, names.addresses_like(name, ip))]
    if not back:
        do = f"give {found[0]} the address {ip}, or have the PTR name a host that has it"
        yield fails(title, f"{found[0]}, which does not lead back to it", do)
        return
    if _looks_generic(back[0], ip):
        yield warns(title, f"{back[0]}, as providers name their customers' lines", do)
        return
    yield passes(title, f"{back[0]}, which leads back to it")


def _looks_generic(name: str, ip: str) -> bool:
    """Whether a name is one of a series that a provider gives to addresses, rather than a mail server's."""
    host = name.split(".")[0]
    numbers = re.findall(r"\d+", host)
    if ":" not in ip and len([octet for octet in ip.split(".") if octet in numbers]) >= 3:
        return True
    return bool(_GENERIC.search(name.rsplit(".", 2)[0])) and bool(numbers)
