"""OpenAI's batch API: a file of requests is uploaded, a batch is made of it, and its answers lie in two other files.

A batch carries its intent in its metadata, so that one whose creation was cut off is found by it. What is uploaded and
what comes back holds the words of candidates, so that both are told to expire.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import BinaryIO, Final, TypeVar

from pydantic import BaseModel, ValidationError

from evaluator.backends.batch_reading import Named, outcome_of, read_form
from evaluator.backends.batch_service import BatchResult, BatchState, Sighting, Unanswered, UploadForm, is_name
from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.backends.chat_options import ChatOptions, checked_base_url, require_extra
from evaluator.backends.openai import OpenAIModel
from evaluator.backends.openai_client import OPENAI_URL
from evaluator.backends.pricing import BATCH_SHARE, PricedModel
from evaluator.backends.provider_failures import Failure
from evaluator.errors import JudgeError
from evaluator.store.batches import KeptBatch

__all__ = ["OpenAIBatches", "build_batches"]

_ENDPOINT: Final = "/v1/responses"
_INTENT: Final = "evaluator_intent"
_KEPT_S: Final = 7 * 24 * 3600  # results may be fetched by a run that goes on days later
_SKEW_S: Final = 3600.0  # how far the provider's clock may be behind ours
_FORM: Final = UploadForm(b"", b"\n", b"\n", most_requests=50_000, most_bytes=200_000_000)
_PAGE: Final = 100
_MOST_PAGES: Final = 100
_ENDED: Final = frozenset({"completed", "expired", "cancelled"})
_PASSING: Final = frozenset({"token_limit_exceeded"})  # too much is queued now; it passes when other batches are done
_Form = TypeVar("_Form", bound=BaseModel)


def build_batches(options: ChatOptions) -> OpenAIBatches:
    """Build the service; nothing is imported or opened before it is asked.

    Raises:
        MissingExtra: The extra `openai` isn't installed.
        JudgeMisuse: There is no key.
        OptionError: The model doesn't take an option.
    """
    require_extra("openai", "openai")
    return OpenAIBatches(options)


class OpenAIBatches:
    """Batches of one model of OpenAI's; meets `BatchService`."""

    def __init__(self, options: ChatOptions) -> None:
        """Check the options; as `OpenAIModel`."""
        self._model = OpenAIModel(options, share=BATCH_SHARE)
        self._session = self._model.session
        self._address = checked_base_url(options.base_url or OPENAI_URL)
        self._uploaded: dict[str, str] = {}

    @property
    def model(self) -> PricedModel:
        """The model that is asked, at batch price."""
        return self._model

    @property
    def scope(self) -> str:
        """Provider, address, model and parameters."""
        return f"openai {self._address} {self._model.model}"

    @property
    def form(self) -> UploadForm:
        """A request a line."""
        return _FORM

    def entry(self, custom_id: str, request: ChatRequest) -> bytes:
        """Return a request as one line."""
        line = {"custom_id": custom_id, "method": "POST", "url": _ENDPOINT, "body": self._model.body(request)}
        return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    async def submit(self, batch: KeptBatch, upload: BinaryIO) -> str:
        """Upload the file, unless an earlier attempt did, and make a batch of it."""
        expiry = {"anchor": "created_at", "seconds": _KEPT_S}
        file_id = self._uploaded.get(batch.intent)
        if file_id is None:
            fields = {"purpose": "batch", "expires_after": expiry}
            answer = await self._session.upload("/files", f"{batch.intent}.jsonl", upload, fields)
            file_id = self._uploaded[batch.intent] = self._read(Named, answer.content).id
        body: dict[str, object] = {
            "input_file_id": file_id,
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {_INTENT: batch.intent},
            "output_expires_after": expiry,
        }
        made = await self._session.post("/batches", body)
        self._uploaded.pop(batch.intent, None)
        return self._read(Named, made.content).id

    async def state(self, batch_id: str) -> BatchState:
        """Return how far a batch is; a state that we don't know is taken to pass."""
        answer = await self._session.get(f"/batches/{batch_id}")
        batch = self._read(_Batch, answer.content)
        if batch.status == "failed":
            return BatchState(ended=True, failure=self._failed(batch))
        sources = tuple(f for f in (batch.output_file_id, batch.error_file_id) if f is not None and is_name(f))
        return BatchState(ended=True, sources=sources) if batch.status in _ENDED else BatchState(ended=False)

    async def results(self, source: str) -> AsyncGenerator[BatchResult]:
        """Return what a file of answers, or one of errors, holds."""
        lines = self._session.lines(f"/files/{source}/content")
        try:
            async for line in lines:
                yield self._result(line)
        finally:
            await lines.aclose()

    async def find(self, batch: KeptBatch, others: frozenset[str]) -> Sighting:
        """Look through the account's batches, newest first, for the one that carries the intent."""
        query: dict[str, object] = {"limit": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = await self._session.get("/batches", query)
            page = self._read(_Page, answer.content)
            for found in page.data:
                if (found.metadata or {}).get(_INTENT) == batch.intent and found.id not in others:
                    return Sighting(found.id)
            last = page.data[-1] if page.data else None
            if last is None or not page.has_more or last.created_at < batch.intended_at - _SKEW_S:
                break
            query = {"limit": _PAGE, "after": last.id}
        return Sighting(None)

    async def cancel(self, batch_id: str) -> None:
        """Ask that a batch be ended now."""
        await self._session.post(f"/batches/{batch_id}/cancel", {})

    def _result(self, line: bytes) -> BatchResult:
        try:
            found = _Line.model_validate_json(line)
        except ValidationError:  # its message holds the reply
            return BatchResult("", self._failure(status=200).unreadable())
        return outcome_of(found.custom_id, lambda: self._reply(found))

    def _reply(self, line: _Line) -> ChatReply:
        answer = line.response
        if answer is None:
            code = line.error.code if line.error else None
            raise self._failure(code=code).unavailable("the batch ended without an answer to this request")
        if answer.status_code != 200:  # noqa: PLR2004 - the one good status
            refused = _Refused.read(answer.body)
            raise self._failure(status=answer.status_code, code=refused, request_id=answer.request_id).error()
        return self._model.read_body(answer.body, answer.request_id)

    def _failed(self, batch: _Batch) -> JudgeError:
        errors = batch.errors.data if batch.errors and batch.errors.data else []
        code = next((error.code for error in errors if error.code), None)
        failure = self._failure(code=code)
        if code in _PASSING:
            return Unanswered(failure.unavailable("the provider has too much of this account in its queue").message)
        return failure.misuse(
            "the provider refused the batch as a whole", "check the model, and whether the account may use batches"
        )

    def _read(self, form: type[_Form], content: bytes) -> _Form:
        return read_form(form, content, self._failure(status=200))

    def _failure(self, *, status: int | None = None, code: str | None = None, request_id: str | None = None) -> Failure:
        return Failure(self._model.provider, self._model.key_env, status=status, code=code, request_id=request_id)


class _Coded(BaseModel):
    code: str | None = None
    type: str | None = None


class _Errors(BaseModel):
    data: list[_Coded] | None = None


class _Batch(Named):
    """What counts of a batch."""

    status: str
    created_at: float
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: _Errors | None = None
    metadata: dict[str, object] | None = None


class _Page(BaseModel):
    data: list[_Batch]
    has_more: bool = False


class _Answer(BaseModel):
    status_code: int
    request_id: str | None = None
    body: object = None


class _Line(BaseModel):
    """One line of a file of answers or errors."""

    custom_id: str
    response: _Answer | None = None
    error: _Coded | None = None


class _Refused(BaseModel):
    error: _Coded

    @classmethod
    def read(cls, body: object) -> str | None:
        """Return the machine-readable cause that a refusal names."""
        try:
            error = cls.model_validate(body).error
        except ValidationError:
            return None
        return error.code or error.type
