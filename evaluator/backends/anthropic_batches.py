"""Anthropic's message batches: requests in one body, results as a stream of lines.

A batch carries no note of ours, so that its intent stands in the ids of its requests. One whose creation was cut off
is looked for among those made since, by its size; whose requests it holds shows in its results, so only when it ended.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncGenerator
from typing import BinaryIO, Final, TypeVar

from pydantic import BaseModel, ValidationError

from evaluator.backends.anthropic import AnthropicModel
from evaluator.backends.anthropic_client import ANTHROPIC_URL
from evaluator.backends.batch_reading import Named, outcome_of, read_form
from evaluator.backends.batch_service import BatchResult, BatchState, Sighting, UploadForm, number_of
from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.backends.chat_options import ChatOptions, checked_base_url, require_extra
from evaluator.backends.pricing import BATCH_SHARE, PricedModel
from evaluator.backends.provider_failures import Failure
from evaluator.store.batches import KeptBatch

__all__ = ["AnthropicBatches", "build_batches"]

_PATH: Final = "/v1/messages/batches"
_SKEW_S: Final = 3600.0  # how far the provider's clock may be behind ours
_FORM: Final = UploadForm(b'{"requests":[', b",", b"]}", most_requests=100_000, most_bytes=256_000_000)
_PAGE: Final = 100
_MOST_PAGES: Final = 100
_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Statuses that the provider sends with these types, where a result holds the type alone."""

_Form = TypeVar("_Form", bound=BaseModel)


def build_batches(options: ChatOptions) -> AnthropicBatches:
    """Build the service; nothing is imported or opened before it is asked.

    Raises:
        MissingExtra: The extra `anthropic` isn't installed.
        JudgeMisuse: There is no key.
        OptionError: The API doesn't take an option.
    """
    require_extra("anthropic", "anthropic")
    return AnthropicBatches(options)


class AnthropicBatches:
    """Batches of one model of Anthropic's; meets `BatchService`."""

    def __init__(self, options: ChatOptions) -> None:
        """Check the options; as `AnthropicModel`."""
        self._model = AnthropicModel(options, share=BATCH_SHARE)
        self._session = self._model.session
        self._address = checked_base_url(options.base_url or ANTHROPIC_URL)

    @property
    def model(self) -> PricedModel:
        """The model that is asked, at batch price."""
        return self._model

    @property
    def scope(self) -> str:
        """Provider, address, model and parameters."""
        return f"anthropic {self._address} {self._model.model}"

    @property
    def form(self) -> UploadForm:
        """A list in an object."""
        return _FORM

    def entry(self, custom_id: str, request: ChatRequest) -> bytes:
        """Return a request as one element of the list."""
        entry = {"custom_id": custom_id, "params": self._model.body(request)}
        return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    async def submit(self, batch: KeptBatch, upload: BinaryIO) -> str:  # noqa: ARG002 - the ids in the upload hold the intent
        """Make a batch."""
        answer = await self._session.send(_PATH, upload)
        return self._read(Named, answer.content).id

    async def state(self, batch_id: str) -> BatchState:
        """Return how far a batch is; its results are fetched from our own address, not from one that it names."""
        answer = await self._session.get(f"{_PATH}/{batch_id}")
        batch = self._read(_Batch, answer.content)
        return BatchState(ended=True, sources=(batch.id,)) if batch.ended else BatchState(ended=False)

    async def results(self, source: str) -> AsyncGenerator[BatchResult]:
        """Return the results of a batch."""
        lines = self._session.lines(f"{_PATH}/{source}/results")
        try:
            async for line in lines:
                yield self._result(line)
        finally:
            await lines.aclose()

    async def find(self, batch: KeptBatch, others: frozenset[str]) -> Sighting:
        """Look through the batches made since, newest first, for one of the same size that holds our requests."""
        since = batch.intended_at - _SKEW_S
        query: dict[str, object] = {"limit": _PAGE}
        undecided = False
        for _ in range(_MOST_PAGES):
            answer = await self._session.get(_PATH, query)
            page = self._read(_Page, answer.content)
            for found in page.data:
                if found.id in others or found.size != batch.size or found.created_at.timestamp() < since:
                    continue
                if not found.ended:
                    undecided = True
                elif await self._holds(found.id, batch.intent):
                    return Sighting(found.id)
            last = page.data[-1] if page.data else None
            if last is None or not page.has_more or last.created_at.timestamp() < since:
                break
            query = {"limit": _PAGE, "after_id": last.id}
        return Sighting(None, undecided)

    async def cancel(self, batch_id: str) -> None:
        """Ask that a batch be ended now."""
        await self._session.post(f"{_PATH}/{batch_id}/cancel", {})

    async def _holds(self, batch_id: str, intent: str) -> bool:
        """Whether the results are those of an intent; the first line tells."""
        results = self.results(batch_id)
        try:
            async for result in results:
                return number_of(result.custom_id, intent) is not None
        finally:
            await results.aclose()
        return False

    def _result(self, line: bytes) -> BatchResult:
        try:
            found = _Line.model_validate_json(line)
        except ValidationError:  # its message holds the reply
            return BatchResult("", self._failure(status=200).unreadable())
        return outcome_of(found.custom_id, lambda: self._reply(found.result))

    def _reply(self, result: _Result) -> ChatReply:
        if result.type == "succeeded":
            return self._model.read_body(result.message)
        if result.type != "errored" or result.error is None:  # expired or canceled
            raise self._failure(code=result.type).unavailable("the batch ended without an answer to this request")
        code = result.error.error.type
        raise self._failure(status=_STATUS.get(code, 500), code=code, request_id=result.error.request_id).error()

    def _read(self, form: type[_Form], content: bytes) -> _Form:
        return read_form(form, content, self._failure(status=200))

    def _failure(self, *, status: int | None = None, code: str | None = None, request_id: str | None = None) -> Failure:
        return Failure(self._model.provider, self._model.key_env, status=status, code=code, request_id=request_id)


class _Counts(BaseModel):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Batch(Named):
    """What counts of a batch."""

    processing_status: str
    created_at: dt.datetime
    request_counts: _Counts

    @property
    def ended(self) -> bool:
        return self.processing_status == "ended"

    @property
    def size(self) -> int:
        counts = self.request_counts
        return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired


class _Page(BaseModel):
    data: list[_Batch]
    has_more: bool = False


class _Typed(BaseModel):
    type: str


class _Error(BaseModel):
    error: _Typed
    request_id: str | None = None


class _Result(BaseModel):
    type: str
    message: object = None
    error: _Error | None = None


class _Line(BaseModel):
    """One line of results."""

    custom_id: str
    result: _Result
