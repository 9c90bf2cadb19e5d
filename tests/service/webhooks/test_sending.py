"""Tests of one attempt, against real receivers on this machine."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final

import pytest

from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.sending import Outcome, WebSender
from evaluator.service.webhooks.signing import signed_headers
from tests.service.webhooks.certificates import Authority
from tests.service.webhooks.office import FixedLookup
from tests.service.webhooks.receiver import Answer, Receiver

pytestmark = pytest.mark.loopback

_OPEN: Final = Guard.of(allow_private=True)
_HOME: Final = ["127.0.0.1"]


async def _send(
    url: str,
    *,
    guard: Guard = _OPEN,
    lookup: FixedLookup | None = None,
    trust: ssl.SSLContext | None = None,
    timeout_s: float = 5.0,
) -> Outcome:
    sender = WebSender(guard, lookup=lookup, trust=trust, timeout_s=timeout_s)
    return await sender.send(url, {"webhook-id": "msg_1", "content-type": "application/json"}, '{"type":"x"}')


async def test_a_message_arrives_as_it_was_given() -> None:
    """The receiver gets one POST with our headers and body, its own name as host, and nothing of the environment."""
    with Receiver() as receiver:
        outcome = await _send(receiver.url("hooks.example", "/a?b=c"), lookup=FixedLookup({"hooks.example": [_HOME]}))
    (received,) = receiver.received
    assert (outcome.code, outcome.error) == (204, None)
    assert received.line == "POST /a?b=c HTTP/1.1"
    assert received.body == b'{"type":"x"}'
    assert received.headers == {
        "host": f"hooks.example:{receiver.port}",
        "webhook-id": "msg_1",
        "content-type": "application/json",
        "content-length": "12",
        "connection": "close",
    }


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (Answer(200), 200, None),
        (Answer(299), 299, None),
        (Answer(302, ("Location: /elsewhere",)), 302, "redirect"),
        (Answer(307, ("Location: /elsewhere",)), 307, "redirect"),
        (Answer(304), 304, "redirect"),
        (Answer(400), 400, "status"),
        (Answer(404), 404, "status"),
        (Answer(410), 410, "gone"),
        (Answer(500), 500, "status"),
        (Answer(instead="reset"), None, "connection_lost"),
        (Answer(instead="silence"), None, "invalid_response"),
        (Answer(instead="nonsense"), None, "invalid_response"),
        (Answer(instead="hang"), None, "timeout"),
        (Answer(instead="drip"), None, "timeout"),
        (Answer(instead="endless"), 200, None),
    ],
    ids=lambda value: str(value.instead or value.status) if isinstance(value, Answer) else None,
)
async def test_every_answer_has_its_outcome(answer: Answer, code: int | None, error: str | None) -> None:
    """Only 2xx is success; redirects aren't followed; a receiver that stalls or floods costs its time-out at most."""
    with Receiver(lambda _, __: answer) as receiver:
        outcome = await _send(receiver.url(), timeout_s=0.5 if error == "timeout" else 5.0)
    assert (outcome.code, outcome.error) == (code, error)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("status", "told", "wish_s"), [(429, "17", 17.0), (503, "x", None), (500, "17", None)])
async def test_a_receiver_under_load_may_ask_for_time(status: int, told: str, wish_s: float | None) -> None:
    """Seconds of Retry-After are heard where the status says overload."""
    with Receiver(lambda _, __: Answer(status, (f"Retry-After: {told}",))) as receiver:
        assert (await _send(receiver.url())).wish_s == wish_s


async def test_nobody_listens() -> None:
    """A closed port is an outcome."""
    with Receiver() as receiver:
        url = receiver.url()
    assert (await _send(url)).error == "connect_failed"


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that send other programs through a proxy don't send messages there."""
    with Receiver() as proxy, Receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url(path=""))
        assert (await _send(receiver.url())).error is None
        assert (len(proxy.received), len(receiver.received)) == (0, 1)


@pytest.mark.parametrize(
    "found", [_HOME, ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], ["::ffff:169.254.169.254"], []]
)
async def test_an_inner_address_is_never_connected_to(tmp_path: Path, found: list[str]) -> None:
    """A public name that resolves to this machine, or also to it, is refused before a socket is opened."""
    with Receiver(tls=Authority(tmp_path).server("hooks.example")) as receiver:
        outcome = await _send(
            receiver.url("hooks.example"), guard=Guard(), lookup=FixedLookup({"hooks.example": [found]})
        )
    assert (outcome.code, outcome.error) == (None, "address_refused")
    assert receiver.received == []


async def test_a_name_that_turns_inward_reaches_what_was_checked(tmp_path: Path) -> None:
    """An attempt looks a name up once and connects to that answer; the next answer counts for the next attempt."""
    authority = Authority(tmp_path)
    lookup = FixedLookup({"hooks.example": [_HOME, ["10.0.0.1"]]})
    guard = Guard.of(networks=["127.0.0.1/32"])
    with Receiver(tls=authority.server("hooks.example")) as receiver:
        outcomes = [
            await _send(receiver.url("hooks.example"), guard=guard, lookup=lookup, trust=authority.trust())
            for _ in range(2)
        ]
    assert [outcome.error for outcome in outcomes] == [None, "address_refused"]
    assert lookup.asked == ["hooks.example"] * 2
    assert len(receiver.received) == 1


async def test_an_url_that_may_no_longer_be_called_is_an_outcome() -> None:
    """What an operator forbids after a webhook was made is refused at the attempt."""
    with Receiver() as receiver:
        assert (await _send(receiver.url(), guard=Guard())).error == "url_refused"
    assert receiver.received == []


async def test_tls_is_asked_for_the_name_and_checked_against_it(tmp_path: Path) -> None:
    """The socket goes to an address, SNI and the certificate are those of the name."""
    authority = Authority(tmp_path)
    server, asked = authority.server("hooks.example"), list[str | None]()
    server.sni_callback = lambda _, name, __: asked.append(name)
    lookup = FixedLookup({"hooks.example": [_HOME], "other.example": [_HOME]})
    with Receiver(tls=server) as receiver:
        right = await _send(receiver.url("hooks.example"), lookup=lookup, trust=authority.trust())
        wrong = await _send(receiver.url("other.example"), lookup=lookup, trust=authority.trust())
        unknown = await _send(receiver.url("hooks.example"), lookup=lookup)
    assert [right.error, wrong.error, unknown.error] == [None, "tls_failed", "tls_failed"]
    assert asked == ["hooks.example", "other.example", "hooks.example"]
    assert len(receiver.received) == 1


async def test_an_address_has_a_certificate_too(tmp_path: Path) -> None:
    """An url with an address instead of a name is checked against a certificate for the address."""
    authority = Authority(tmp_path)
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        assert (await _send(receiver.url(), trust=authority.trust())).error is None


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("this system doesn't list open files")
    return sum(1 for _ in folder.iterdir())


async def test_an_attempt_that_is_broken_off_leaves_no_socket() -> None:
    """Cancelling attempts, and attempts that run out of time, close what they opened."""
    with Receiver(lambda _, __: Answer(instead="hang")) as receiver:
        hasty, patient = WebSender(_OPEN, timeout_s=0.2), WebSender(_OPEN)
        before = _open_files()
        await asyncio.gather(*(hasty.send(receiver.url(), {}, "{}") for _ in range(20)))
        tasks = [asyncio.create_task(patient.send(receiver.url(), {}, "{}")) for _ in range(20)]
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.2)
        ours = _open_files() - before
    assert ours <= 40  # the receiver's own ends, which hang on purpose


def test_headers_hold_a_signature_for_each_secret() -> None:
    """The specification's example signs as it says, beside the signature of a second secret."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        '{"test": 2432232314}',
        1_614_265_330.7,
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )
    first, second = headers["webhook-signature"].split(" ")
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert second.startswith("v1,")
    assert second != first
    assert headers["webhook-timestamp"] == "1614265330"
