"""Tests of which addresses a webhook may reach."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.webhooks.addresses import PRIVATE, parse_address, permitted

_REFUSED = (
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a83f:8110",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:0a00:0001::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("text", _REFUSED)
def test_an_address_off_the_public_internet_is_refused(text: str) -> None:
    """Private, shared, loopback, link-local, multicast, reserved, metadata, and each of them in IPv6's clothes."""
    address = parse_address(text)
    assert address is not None
    assert not permitted(address)


@pytest.mark.parametrize(
    "text",
    ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"],
)
def test_an_address_of_the_public_internet_is_permitted(text: str) -> None:
    """Public addresses pass, also behind NAT64, where an IPv6 network sees all of IPv4."""
    address = parse_address(text)
    assert address is not None
    assert permitted(address)


@pytest.mark.parametrize(
    "text", ["fe80::1%eth0", "ff02::1%1", "localhost", "", "1.2.3", "1.2.3.4.5", "[::1]", "१.१.१.१"]
)
def test_what_is_no_address_of_everywhere_is_none(text: str) -> None:
    """Names, parts of addresses and addresses of one link alone aren't taken for addresses."""
    assert parse_address(text) is None


@pytest.mark.parametrize("text", ["10.1.2.3", "127.0.0.1", "192.168.0.5", "::1", "fd12::1", "::ffff:10.0.0.1"])
def test_an_operator_may_allow_private_networks(text: str) -> None:
    """What the operator allows may be called, in either form."""
    address = parse_address(text)
    assert address is not None
    assert permitted(address, PRIVATE)


@pytest.mark.parametrize(
    "text", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "0.1.2.3", "224.0.0.1", "ff02::1"]
)
def test_metadata_is_refused_whatever_is_allowed(text: str) -> None:
    """No permission reaches the addresses at which a cloud hands out credentials, nor those that are no machine."""
    address = parse_address(text)
    assert address is not None
    assert not permitted(address, (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))


@given(st.ip_addresses(v=4))
def test_clothes_change_nothing(address: ipaddress.IPv4Address) -> None:
    """An IPv4 address is judged the same bare, mapped into IPv6, and behind NAT64; and 6to4 is never let through."""
    mapped = parse_address(f"::ffff:{address}")
    behind = parse_address(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))))
    relayed = parse_address(str(ipaddress.IPv6Address(0x2002 << 112 | int(address) << 80)))
    assert mapped == address
    assert behind is not None
    assert relayed is not None
    assert permitted(behind) == permitted(address)
    assert not permitted(relayed)


@given(st.ip_addresses())
def test_nothing_private_is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Whatever the standard library calls private, link-local, reserved or multicast is refused."""
    parsed = parse_address(str(address))
    if parsed is None:
        return
    special = parsed.is_private or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified
    assert not (special and permitted(parsed))
