"""How often the site lets itself be asked: by one household, by all together, for an hour."""

import pytest

from newsletter.web.live.limits import Limits, network_of


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.200", "192.0.2.0/24"),
        ("::ffff:192.0.2.200", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("not one", ""),
    ],
)
def test_machines_of_one_household_are_one_network(ip: str, network: str) -> None:
    assert network_of(ip) == network


def test_a_network_has_its_share_and_all_have_theirs() -> None:
    now = [0.0]
    limits = Limits(most=5, per_network=3, clock=lambda: now[0])
    assert [limits.admit("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert [limits.admit("198.51.100.1") for _ in range(3)] == [True, True, False]
    assert limits.admit("203.0.113.1") is False
    now[0] = 3599.0
    assert limits.admit("203.0.113.1") is False
    now[0] = 3600.0
    assert limits.admit("192.0.2.1") is True


def test_an_attack_from_everywhere_does_not_fill_the_memory() -> None:
    limits = Limits(most=10, clock=lambda: 0.0)
    for count in range(5000):
        limits.admit(f"{20 + count // 65536}.{count // 256 % 256}.{count % 256}.1")
    assert len(limits._counts) <= 10
