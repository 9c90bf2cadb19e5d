"""Tests of what a form may be: its charset is the sender's word, and costs nobody a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.serving import ANSWER, config_in, in_memory

pytestmark = pytest.mark.loopback

_FORMS = (("/login", "key"), ("/evaluate", "text"), ("/v1/evaluations", "options"), ("/v1/batches", "options"))


def _form(name: str, value: str) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--b--\r\n'.encode()


@pytest.mark.parametrize(("path", "field"), _FORMS)
@pytest.mark.parametrize("charset", ["punycode", '"unicode_escape"', "utf-7", "latin-1"])
async def test_no_form_is_read_by_a_codec_of_the_senders_choice(
    tmp_path: Path, path: str, field: str, charset: str
) -> None:
    """A form that claims another charset than UTF-8 is refused, before any of its fields is decoded."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        told = {"Content-Type": f"multipart/form-data; boundary=b; Charset={charset}"}
        answer = await client.post(path, content=_form(field, "x-" + "ba" * 1000), headers=told)
    assert answer.status_code == 415


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"'])
async def test_a_form_in_utf_8_is_read(tmp_path: Path, charset: str) -> None:
    """It may say so, or nothing."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        told = {"Content-Type": f"multipart/form-data; boundary=b{charset}"}
        answer = await client.post("/evaluate", content=_form("text", ANSWER), headers=told)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/login"),
        ("POST", "/v1/webhooks"),
        ("PATCH", "/v1/webhooks/we_1"),
        ("POST", "/v1/webhooks/we_1/rotate-secret"),
        ("PUT", "/v1/evaluations/eval_1/reviews/vanity_metric"),
    ],
)
async def test_a_small_question_takes_a_small_body(tmp_path: Path, method: str, path: str) -> None:
    """What is read before a key is asked for can't be as large as a transcript."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
        answer = await client.request(method, path, content=b'"' + b"x" * 100_000, headers={"Content-Type": kind})
    assert answer.status_code == 413
