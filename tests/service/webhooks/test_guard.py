"""Tests of the check of urls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import OptionError
from evaluator.service.webhooks.guard import Guard, UrlRefused


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com/hook?a=b", "example.com", 443),
        ("https://EXAMPLE.com:8443/", "example.com", 8443),
        ("https://bücher.example/x", "xn--bcher-kva.example", 443),
        ("https://hooks.example.com.:443", "hooks.example.com.", 443),
        ("https://93.184.215.14/", "93.184.215.14", 443),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
        ("https://example.com:80/", "example.com", 80),
    ],
)
def test_a_public_url_has_a_target(url: str, host: str, port: int) -> None:
    """An https url of the public internet is taken, and its host and port are told."""
    target = Guard().target(url)
    assert (target.host, target.port, target.secure) == (host, port, True)


_REFUSED = (
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "//example.com/",
    "example.com/hook",
    "https://",
    "https:///path",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com/#part",
    "https://example.com:22/",
    "https://example.com:0/",
    "https://example.com:1023/",
    "https://example.com:99999/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://foo.localhost/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0/",
    "https://10.0.0.8/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://exa mple.com/",
    "https://example.com/a b",
    "https://example.com\n.evil.example/",
    "https://example.com\\@evil.example/",
    "https://evil.example\\.example.com/",
    "https://a..b/",
    "https://exam%70le.com/",
    "https://ex\u200bample.com/",
    f"https://{'a' * 64}.example/",
    f"https://example.com/{'a' * 2048}",
)


@pytest.mark.parametrize("url", _REFUSED)
def test_a_dangerous_url_is_refused_when_it_is_given(url: str) -> None:
    """Other schemes, credentials, ports of other services, inner names and every form of an inner address."""
    with pytest.raises(UrlRefused) as refused:
        Guard().target(url)
    assert refused.value.where == "url"
    assert refused.value.remedy
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://localhost:8080/", "https://10.0.0.8/", "http://[::1]:8080/"]
)
def test_an_operator_may_allow_inner_urls(url: str) -> None:
    """With private networks allowed, inner receivers may be called, without encryption too."""
    assert Guard.of(allow_private=True).target(url).url == url


@pytest.mark.parametrize("url", ["http://93.184.215.14/", "http://169.254.169.254/", "https://169.254.169.254/"])
def test_private_networks_allow_nothing_else(url: str) -> None:
    """Plain http stays within the allowed networks, and metadata out of reach."""
    with pytest.raises(UrlRefused):
        Guard.of(allow_private=True).target(url)


def test_only_named_networks_are_allowed() -> None:
    """A list of networks opens these and no other."""
    guard = Guard.of(networks=["10.20.0.0/16", "fd01::/64"])
    assert guard.target("https://10.20.1.1/").host == "10.20.1.1"
    assert guard.target("https://[fd01::5]/").host == "fd01::5"
    for url in ("https://10.21.0.1/", "https://127.0.0.1/", "https://[fd02::5]/"):
        with pytest.raises(UrlRefused):
            guard.target(url)


def test_a_network_that_is_none_is_an_error() -> None:
    """A slip in the operator's list is told, not passed over."""
    with pytest.raises(OptionError):
        Guard.of(networks=["10.0.0.0/99"])


@pytest.mark.parametrize(
    ("found", "checked"),
    [
        (["93.184.215.14"], ["93.184.215.14"]),
        (["93.184.215.14", "2606:4700::1111", "93.184.215.14"], ["93.184.215.14", "2606:4700::1111"]),
        (["::ffff:8.8.8.8"], ["8.8.8.8"]),
        (["93.184.215.14", "10.0.0.1"], []),
        (["2606:4700::1111", "::ffff:169.254.169.254"], []),
        (["93.184.215.14", "fe80::1%eth0"], []),
        (["not an address"], []),
        ([], []),
    ],
)
def test_one_inner_address_refuses_the_name(found: list[str], checked: list[str]) -> None:
    """All addresses of a name are connected to, or none: a mixture is an attempt to slip through."""
    guard = Guard()
    assert guard.addresses(found, guard.target("https://example.com/")) == checked


def test_plain_http_reaches_allowed_networks_alone() -> None:
    """A name asked for without encryption may lead to an allowed network, not to the internet."""
    guard = Guard.of(allow_private=True)
    target = guard.target("http://inner.example/")
    assert guard.addresses(["10.0.0.1"], target) == ["10.0.0.1"]
    assert guard.addresses(["93.184.215.14"], target) == []


@given(st.text(max_size=60) | st.text(max_size=40).map("https://{}".format))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    """Whatever a tenant writes, the answer is a target of https or a refusal."""
    try:
        target = Guard().target(text)
    except UrlRefused:
        return
    assert target.url.startswith("https://")
    assert target.host
