"""Recording and replay: what is written, what never is, what a miss says, and that nothing opens the network."""

from __future__ import annotations

import asyncio
import json
import shlex
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
import pytest
from pydantic import SecretStr

from evaluator.backends import anthropic, openai, openai_compatible
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatModel, ChatRequest
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_file import (
    read_recording,
)
from evaluator.backends.recording_secrets import REMOVED
from evaluator.backends.recordings import Recordings, recording_command
from evaluator.errors import InputError, OptionError, RecordingError, RecordingMissing
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judging import Judge
from evaluator.prompt import load_prompts
from tests.backends.provider_stub import chat_completion
from tests.backends.recorded import make_recording
from tests.backends.scripted import reply_text, verdict
from tests.judges.judges import make_case

_KEY: Final = "sk-" + "live0123456789" * 3
_NONCE: Final = "request-" + "0123456789abcdef" * 2
_SPOKEN: Final = "the quiet month is when people look at the bill"
_URL: Final = "https://api.provider.example/v1/chat/completions"

_Answering = Callable[[httpx2.Request], httpx2.Response]


def _ok(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"choices": [], "model": "m"}, headers={"x-request-id": "req_1"})


async def _post(
    options: RecordingOptions,
    body: object,
    answer: _Answering | None = None,
    *,
    url: str = _URL,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """Send one request through the recording transport; without an answer there is no network beneath it."""
    build = options.transport("openai-compatible", (lambda: httpx2.MockTransport(answer)) if answer else None)
    assert build is not None
    async with httpx2.AsyncClient(transport=build()) as client:
        return await client.post(url, json=body, headers={"authorization": f"Bearer {_KEY}", **(headers or {})})


def _recorder(folder: Path) -> RecordingOptions:
    return RecordingOptions(mode="record", folder=folder)


def _player(folder: Path, **more: str) -> RecordingOptions:
    return RecordingOptions(mode="replay", folder=folder, **more)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_what_was_recorded_is_replayed_without_a_network(tmp_path: Path) -> None:
    """Status, body and kept headers come back; the host and the order of keys make no difference."""

    def limited(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"text": "ü\n{}"}, headers={"x-ratelimit-remaining-requests": "7"})

    first = await _post(_recorder(tmp_path), {"model": "m", "n": 1}, limited)
    again = await _post(_player(tmp_path), {"n": 1, "model": "m"}, url=_URL.replace("provider", "proxy"))
    assert (again.status_code, again.json(), again.headers["x-ratelimit-remaining-requests"]) == (
        200,
        first.json(),
        "7",
    )


async def test_the_identifier_of_a_request_does_not_count(tmp_path: Path) -> None:
    """The same request under another identifier is the same; with other words it is another."""
    other = _NONCE.replace("0123", "fedc")
    await _post(_recorder(tmp_path), {"task": f"Request: {_NONCE}", "judged": json.dumps({_NONCE: "said"})}, _ok)
    replayed = await _post(_player(tmp_path), {"task": f"Request: {other}", "judged": json.dumps({other: "said"})})
    assert replayed.status_code == 200
    with pytest.raises(RecordingMissing):
        await _post(_player(tmp_path), {"task": f"Request: {other}", "judged": json.dumps({other: "meant"})})
    with pytest.raises(RecordingMissing):
        await _post(_player(tmp_path), {"task": f"Request: {other}", "judged": json.dumps({_NONCE: "said"})})


async def test_the_version_of_the_api_counts(tmp_path: Path) -> None:
    """The same body under another version of the API is another request."""
    await _post(_recorder(tmp_path), {}, _ok, headers={"anthropic-version": "2026-10-21"})
    with pytest.raises(RecordingMissing):
        await _post(_player(tmp_path), {}, headers={"anthropic-version": "2023-06-01"})


async def test_no_header_of_a_request_and_few_of_an_answer_are_written(tmp_path: Path) -> None:
    """Keys, cookies, ids of requests and accounts don't reach the file."""

    def telling(_: httpx2.Request) -> httpx2.Response:
        headers = {
            "set-cookie": "session=abc",
            "openai-organization": "org-Abcdefghijkl0123456789",
            "x-request-id": "req_77",
            "retry-after": "3",
            "anthropic-ratelimit-tokens-remaining": "5",
        }
        return httpx2.Response(200, json={}, headers=headers)

    await _post(_recorder(tmp_path), {"model": "m"}, telling, headers={"x-secret": "spoken softly", "cookie": "a=b"})
    (path,) = _files(tmp_path)
    text = path.read_text()
    assert set(json.loads(text)["response"]["headers"]) == {
        "anthropic-ratelimit-tokens-remaining",
        "content-type",
        "retry-after",
    }
    assert not [word for word in (_KEY, "Bearer", "softly", "session", "org-", "req_77", "cookie") if word in text]


async def test_secrets_in_an_answer_are_removed(tmp_path: Path) -> None:
    """The key in use, keys of known form and ids of the account are replaced; the caller gets the answer whole."""
    told = {
        "error": {"message": f"Incorrect key {_KEY} of org-a1b2c3d4e5f6g7h8", "organization_id": "0b1c"},
        "model": "/home/someone/models/tiny.gguf",
        "user": None,
    }
    given_back = await _post(_recorder(tmp_path), {"model": "m"}, lambda _: httpx2.Response(400, json=told))
    (path,) = _files(tmp_path)
    answer = read_recording(path.read_bytes(), name=path.name).response
    assert given_back.json() == told
    assert answer.body == {
        "error": {"message": f"Incorrect key {REMOVED} of {REMOVED}", "organization_id": REMOVED},
        "model": "tiny.gguf",
        "user": None,
    }


@pytest.mark.parametrize(
    "text",
    [f"my key is {_KEY}", "Authorization: Bearer abcdefghijkl.mnop", "AKIA" + "ABCDEFGH12345678", "ghp_" + "a1" * 12],
)
async def test_a_request_that_holds_a_secret_is_not_sent(tmp_path: Path, text: str) -> None:
    """It couldn't be kept under its hash without the secret; the error repeats nothing of it."""
    with pytest.raises(RecordingError) as caught:
        await _post(_recorder(tmp_path), {"model": "m", "input": text}, lambda _: pytest.fail("it was sent"))
    assert _files(tmp_path) == []
    assert text.rsplit(maxsplit=1)[-1] not in str(caught.value)


@pytest.mark.parametrize(("status", "kept"), [(200, 1), (400, 1), (401, 0), (403, 0), (429, 1), (500, 1)])
async def test_what_is_about_the_account_is_not_kept(tmp_path: Path, status: int, kept: int) -> None:
    """A refused key says nothing about the request; every other answer does."""
    answer = await _post(_recorder(tmp_path), {"model": "m"}, lambda _: httpx2.Response(status, json={}))
    assert (answer.status_code, len(_files(tmp_path))) == (status, kept)


async def test_a_failure_replaces_no_answer(tmp_path: Path) -> None:
    """A later error leaves the good recording alone; a later answer replaces the error."""
    for status, kept in ((429, 429), (200, 200), (500, 200)):
        await _post(_recorder(tmp_path), {"model": "m"}, lambda _, now=status: httpx2.Response(now, json={}))
        assert (await _post(_player(tmp_path), {"model": "m"})).status_code == kept


async def test_a_stream_of_events_is_kept_as_text(tmp_path: Path) -> None:
    """An answer that isn't JSON comes back to the letter."""
    events = "event: message_start\ndata: {}\n\nevent: done\n\n"
    headers = {"content-type": "text/event-stream"}
    await _post(_recorder(tmp_path), {"stream": True}, lambda _: httpx2.Response(200, text=events, headers=headers))
    replayed = await _post(_player(tmp_path), {"stream": True})
    assert (replayed.text, replayed.headers["content-type"]) == (events, "text/event-stream")


async def test_a_broken_off_answer_is_not_kept(tmp_path: Path) -> None:
    """What the network raises goes to the caller, and no file is left."""

    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset", request=request)

    with pytest.raises(httpx2.ReadError):
        await _post(_recorder(tmp_path), {"model": "m"}, broken)
    assert _files(tmp_path) == []


async def test_a_miss_says_where_and_never_what(tmp_path: Path) -> None:
    """The error names path, model and the first key that differs from the nearest recording, no words of anybody."""
    for text in ("something else entirely", "nothing alike"):
        await _post(_recorder(tmp_path), {"model": "m", "messages": [{"content": text}], "top": text}, _ok)
    near = {"model": "m", "messages": [{"content": _SPOKEN}], "top": "nothing alike"}
    with pytest.raises(RecordingMissing) as caught:
        await _post(_player(tmp_path, command="evaluator grade a.md --record here"), near)
    text = str(caught.value)
    assert "POST /v1/chat/completions, model m" in text
    assert f"differs first at body.messages[0].content, character 0 of {len(_SPOKEN)}" in text
    assert text.endswith("(record it: evaluator grade a.md --record here)")
    assert not [word for word in (*_SPOKEN.split(), "alike", "entirely") if len(word) > 5 and word in text]


async def test_a_miss_without_a_command_names_a_general_one(tmp_path: Path) -> None:
    """Even a caller that gave none is told how to record, for a model that was never recorded too."""
    with pytest.raises(RecordingMissing, match="none of this model") as caught:
        await _post(_player(tmp_path), {"model": "m"})
    command = f"evaluator grade TRANSCRIPT --backend openai-compatible --model m --record {shlex.quote(str(tmp_path))}"
    assert caught.value.remedy == f"record it: {command}"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["grade", "a b.md", "--replay", "DIR"], "evaluator grade 'a b.md' --record DIR"),
        (["grade", "a.md", "--replay=DIR"], "evaluator grade a.md --record=DIR"),
        (["grade", "a.md"], "evaluator grade a.md --record kept"),
    ],
)
def test_the_recording_command_is_the_replaying_one_turned_round(arguments: list[str], command: str) -> None:
    """It works too where the environment asked for the replay."""
    assert recording_command(arguments, Path("kept")) == command


@pytest.mark.parametrize("build", [openai.build_model, anthropic.build_model, openai_compatible.build_model])
async def test_a_miss_passes_through_the_sdk(tmp_path: Path, build: Callable[[ChatOptions], ChatModel]) -> None:
    """Whatever the SDK wraps, the caller sees the miss itself: bad input, not a judge to be asked again."""
    options = ChatOptions(
        model="m",
        base_url="http://recordings.invalid/v1",
        api_key=SecretStr(_KEY),
        transport=_player(tmp_path).transport("any"),
    )
    with pytest.raises(RecordingMissing) as caught:
        await build(options).complete(ChatRequest("static", ("task", _SPOKEN), {"type": "object"}, 100))
    assert isinstance(caught.value, InputError)
    assert _SPOKEN not in str(caught.value)


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"format": 2}', "changed"])
async def test_a_damaged_recording_is_not_replayed(tmp_path: Path, damage: str) -> None:
    """A file that isn't what its name promises is an error that names it."""
    await _post(_recorder(tmp_path), {"model": "m", "input": "one"}, _ok)
    (path,) = _files(tmp_path)
    path.write_text(path.read_text().replace('"one"', '"two"') if damage == "changed" else damage)
    with pytest.raises(RecordingError) as caught:
        await _post(_player(tmp_path), {"model": "m", "input": "one"})
    assert caught.value.where == path.name


async def test_sixteen_ways_at_once_record_and_replay(tmp_path: Path) -> None:
    """Parallel calls, equal ones among them, each get their own answer; no draft is left behind."""

    async def echo(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)
        return httpx2.Response(200, json={"echo": json.loads(request.content)["n"]})

    for options, network in ((_recorder(tmp_path), httpx2.MockTransport(echo)), (_player(tmp_path), None)):
        build = options.transport("openai-compatible", (lambda given=network: given) if network else None)
        assert build is not None
        async with httpx2.AsyncClient(transport=build()) as client:
            answers = await asyncio.gather(*(client.post(_URL, json={"n": number // 4}) for number in range(64)))
        assert [answer.json()["echo"] for answer in answers] == [number // 4 for number in range(64)]
    assert len(_files(tmp_path)) == 16


@pytest.mark.parametrize("again", [partial(Sampled, samples=3), Confirming])
async def test_answers_to_the_same_question_are_replayed_one_by_one(
    tmp_path: Path, again: Callable[[Judge], Judge]
) -> None:
    """Asked three times, a model that changes its mind changes it in the replay too, rather than agree with itself."""
    said = ["present", "absent", "cannot_tell"]
    left = iter(said)

    def answer(_: httpx2.Request) -> httpx2.Response:
        text = reply_text(verdict("vanity", next(left), "track clicks", turn=0, confidence=0.5))
        return httpx2.Response(200, json=chat_completion(text))

    case = make_case("vanity")
    votes: list[list[str]] = []
    for options, network in ((_recorder(tmp_path), httpx2.MockTransport(answer)), (_player(tmp_path), None)):
        transport = options.transport("openai-compatible", (lambda given=network: given) if network else None)
        model = openai_compatible.build_model(ChatOptions(model="m", base_url=_URL, transport=transport))
        judgement = await again(ChatJudge(model, load_prompts())).judge(case)
        votes.append([vote.verdict for vote in judgement.votes["vanity"]])
    assert sorted(votes[0]) == ["absent", "present", "unscored"]
    assert votes[1] == votes[0]
    assert len(_files(tmp_path)) == 3
    assert options.recordings.leftovers() == ()


def test_threads_with_loops_of_their_own_share_a_folder(tmp_path: Path) -> None:
    """One store serves sixteen threads; what each asked for counts as used."""
    recordings = [make_recording({"n": number}, answer={"n": number}) for number in range(17)]
    store = Recordings(tmp_path)
    for recording in recordings:
        store.keep(recording)
    options = _player(tmp_path)
    found: list[int] = []

    def ask(number: int) -> None:
        found.append(asyncio.run(_post(options, {"n": number})).json()["n"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(16))
    assert [path.stem for path in options.recordings.leftovers()] == [recordings[16].request.sha256]


def test_options_need_a_usable_folder(tmp_path: Path) -> None:
    """A folder that is missing, or can't be made, is refused before anything is asked."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="no folder was given"):
        RecordingOptions(mode="replay")
    with pytest.raises(OptionError, match="no such folder"):
        _player(tmp_path / "none")
    with pytest.raises(OptionError, match="can't be made"):
        _recorder(tmp_path / "file" / "inside")
    assert RecordingOptions().transport("openai") is None


async def test_a_folder_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """An answer that can't be kept is not passed off as recorded."""
    options = _recorder(tmp_path)
    (tmp_path / "openai-compatible").write_text("in the way")
    with pytest.raises(RecordingError, match="can't be written"):
        await _post(options, {"model": "m"}, _ok)
