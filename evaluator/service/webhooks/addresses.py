"""Which addresses a webhook may reach: the public internet, and networks that the operator allows.

Pure: an address in, a yes or no out. Written as tables rather than asked of `ipaddress`, whose idea of "global" differs
between releases of Python and takes addresses that carry another one (6to4, NAT64, Teredo) at their face value.
Sources: IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890), and what the clouds say of their metadata.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

__all__ = ["PRIVATE", "Address", "Network", "parse_address", "permitted"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


PRIVATE: Final = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
"""What "private networks" stands for where an operator allows them as a whole: this machine and RFC 1918, RFC 4193."""

_NEVER: Final = _networks(  # whatever the operator allows: there a machine hands out its credentials, or no machine is
    "169.254.169.254/32",  # AWS, Azure, Google, Oracle, DigitalOcean and most others
    "169.254.170.2/32",  # AWS, containers
    "169.254.170.23/32",  # AWS, pods
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure's platform, in the middle of public addresses
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::/32",  # AWS
    "fd20:ce::254/128",  # Google
    "0.0.0.0/8",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "ff00::/8",
)
_SPECIAL_4: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared between the customers of a provider
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
)
_UNICAST_6: Final = ipaddress.IPv6Network("2000::/3")  # all that is given out so far; the rest is special or unused
_SPECIAL_6: Final = _networks(
    "2001::/23",  # Teredo, benchmarking, ORCHID and other uses of the protocol itself
    "2001:db8::/32",
    "2002::/16",  # 6to4 carries an IPv4 address of anybody's choice
    "3fff::/20",
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


def parse_address(text: str) -> Address | None:
    """Return an address in its plainest form; ``None`` if it is none, or holds only within one link (``fe80::1%eth0``).

    An IPv4 address in the clothes of IPv6 (``::ffff:10.0.0.1``, ``::10.0.0.1``) comes out as IPv4.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _COMPATIBLE and int(address) > 1:
        return ipaddress.IPv4Address(int(address))
    return address


def permitted(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Return whether an address may be called.

    Args:
        address: As `parse_address` returns it.
        allowed: Networks of the operator's that may be called beside the public internet.
    """
    if _within(address, _NEVER):
        return False
    return _within(address, allowed) or _public(address)


def _public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not _within(address, _SPECIAL_4)
    if address in _NAT64:  # where machines speak IPv6 alone, every receiver on IPv4 looks like this
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        return not _within(inner, _SPECIAL_4) and not _within(inner, _NEVER)
    return address in _UNICAST_6 and not _within(address, _SPECIAL_6)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
