"""What is kept of an answer can be read by whoever repeats the request, and by nobody else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.idempotency.answers import Answer, pack_answer, unpack_answer, worth_keeping
from evaluator.service.idempotency.sealing import Asked, new_salt, seal_of

_KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
_REQUESTS = st.tuples(
    st.text(max_size=10),
    _KEYS,
    st.builds(Asked, st.sampled_from(["POST", "PUT"]), st.text(max_size=20), st.binary(max_size=60)),
)


@given(_REQUESTS, st.binary(max_size=300))
def test_the_same_request_opens_its_answer(request: tuple[str, str, Asked], answer: bytes) -> None:
    """Sealed and opened by the same request, an answer is what it was."""
    salt = new_salt()
    seal = seal_of(*request, salt)
    assert seal_of(*request, salt).fits(seal.mark)
    assert seal_of(*request, salt).open(seal.close(answer)) == answer


@given(_REQUESTS, _REQUESTS, st.binary(max_size=60))
def test_another_request_opens_nothing(
    request: tuple[str, str, Asked], other: tuple[str, str, Asked], answer: bytes
) -> None:
    """Another tenant, key, route or body neither fits the mark nor reads the answer."""
    salt = new_salt()
    seal, wrong = seal_of(*request, salt), seal_of(*other, salt)
    assert wrong.fits(seal.mark) == (request == other)
    assert (wrong.open(seal.close(answer)) is None) == (request != other)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_parts_do_not_run_together(tenant: str, key: str, method: str, path: str) -> None:
    """A character that moves from one part of a request to the next makes another request."""
    salt = new_salt()
    whole = seal_of(tenant, key, Asked(method, path, b""), salt)
    if key:
        moved = seal_of(tenant + key[0], key[1:], Asked(method, path, b""), salt)
        assert not moved.fits(whole.mark)
    if path:
        assert not seal_of(tenant, key, Asked(method + path[0], path[1:], b""), salt).fits(whole.mark)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 200))
def test_an_answer_that_was_changed_is_none(answer: bytes, place: int) -> None:
    """A flipped bit, or a cut, anywhere in what is kept, is found out."""
    seal = seal_of("tn_a", "k", Asked("POST", "/", b""), new_salt())
    sealed = seal.close(answer)
    place %= len(sealed)
    assert seal.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]) is None
    assert seal.open(sealed[:place]) is None


def test_the_same_request_leaves_no_trace_that_tells_so() -> None:
    """Two tenants, or one on two days, that send the same leave marks and answers with nothing in common."""
    asked = Asked("POST", "/v1/evaluations", b"the same words")
    one, two = (seal_of("tn_a", "k", asked, new_salt()) for _ in range(2))
    assert one.mark != two.mark
    assert one.close(b"x") != one.close(b"x")


def test_neither_words_nor_keys_are_shown_by_accident() -> None:
    """What a request, a seal or an answer looks like in a log or a traceback holds nothing of them."""
    asked = Asked("POST", "/", b"I led the launch")
    seal = seal_of("tn_a", "k", asked, new_salt())
    shown = repr((asked, seal, Answer(200, (), b"I led the launch")))
    assert "launch" not in shown
    assert "_key" not in shown


_HEADERS = st.lists(st.tuples(st.sampled_from(["content-type", "location", "etag"]), st.text(max_size=20)), max_size=4)


@given(st.integers(200, 599), _HEADERS, st.binary(max_size=200))
def test_an_answer_is_packed_whole(status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    """Status, headers that matter and body come back as they were."""
    answer = Answer(status, tuple(headers), body)
    assert unpack_answer(pack_answer(answer)) == answer


def test_headers_of_one_exchange_are_not_kept() -> None:
    """A request's id, its date and what was left of a limit then are not repeated."""
    once = (("x-request-id", "req_1"), ("date", "now"), ("ratelimit", '"requests";r=1'), ("content-type", "text/plain"))
    assert unpack_answer(pack_answer(Answer(200, once, b""))).headers == (("content-type", "text/plain"),)


@given(st.integers(100, 599))
def test_only_what_was_done_is_kept(status: int) -> None:
    """Refusals and failures are found anew: their cause may be gone."""
    assert worth_keeping(Answer(status, (), b"")) == (200 <= status < 300)
