"""``/v1/batches``: thin, since reading, keeping and writing results stand elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.records import GradedItem
from evaluator.rubric import Rubric
from evaluator.service.batches.reading import BATCH_BODY, Sent, receive_batch
from evaluator.service.batches.results import csv_file, json_lines, pieces
from evaluator.service.batches.sending import send, weigh
from evaluator.service.batches.store import KeptBatch
from evaluator.service.batches.wire import BatchOptions, BatchResource
from evaluator.service.context import Service, service_of
from evaluator.service.idempotency.requests import idempotent
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import Cursor, Page, read_cursor, write_cursor

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/batches", tags=["batches"], responses=PROBLEM_ANSWERS)
_FORM: Final = "^[0-9A-Za-z_-]{1,64}$"  # no null character, which one of the databases can't even be asked for
_Id = Annotated[str, Path(description="Id of the batch.", pattern=_FORM, examples=["batch_5f0c6b1d9e2a4c3b8d7e6f50"])]
_Reader = Annotated[Caller, Depends(allowed("batches:read"))]
_Writer = Annotated[Caller, Depends(allowed("batches:write"))]
_MOST_BYTES: Final = 64 * 1024 * 1024
_LOOK_S: Final = 0.5


async def _found(service: Service, caller: Caller, id_: str) -> BatchResource:
    batch = await asyncio.to_thread(service.batches.get, caller.tenant, id_)
    if batch is None:
        raise _unknown()
    return batch


async def _first_look(request: Request, caller: _Reader, id: _Id) -> AsyncGenerator[BatchResource]:  # noqa: A002 - its name in the path
    """Yield the batch before the stream begins: what is unknown must be a problem, not a stream that breaks off."""
    service = service_of(request)
    batch = await _found(service, caller, id)
    with service.followers.one_more(caller.tenant):
        yield batch


@router.post(
    "",
    status_code=202,
    summary="Send a batch",
    response_model=BatchResource,
    openapi_extra={"requestBody": BATCH_BODY},
    max_body_size=_MOST_BYTES,
)
async def create_batch(request: Request, caller: _Writer, query: Annotated[BatchOptions, Query()]) -> Response:
    """Take transcripts to be judged; answered once all are safe. One that can't be read is a result that says so."""
    service = service_of(request)

    async with receive_batch(request, service.config.data, query) as sent:

        async def work(id_: str) -> Response:
            await asyncio.to_thread(_send, service, caller, sent, id_)
            service.nudge()
            return Response(
                (await _found(service, caller, id_)).model_dump_json(),
                202,
                headers={"Location": f"/v1/batches/{id_}"},
                media_type="application/json",
            )

        if sent.options.store is False:
            raise Problem(
                422,
                "store_required",
                "A batch can't be fetched if it isn't stored",
                where="store",
                remedy="leave `store` out, and delete the batch once you have its results",
            )
        return await idempotent(request, caller, await asyncio.to_thread(sent.mark), "batch", work)


@router.get("", summary="List batches, newest first")
async def list_batches(
    request: Request,
    caller: _Reader,
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Most of them in one page.")] = 20,
) -> Page[BatchResource]:
    """Return batches with what became of their items so far."""
    found, more = await asyncio.to_thread(service_of(request).batches.page, caller.tenant, read_cursor(cursor), limit)
    return Page[BatchResource](data=found, next_cursor=None if more is None else write_cursor(more))


@router.get("/{id}", summary="Fetch one batch")
async def get_batch(request: Request, caller: _Reader, id: _Id) -> BatchResource:  # noqa: A002 - its name in the path
    """Return how far a batch is."""
    return await _found(service_of(request), caller, id)


@router.get(
    "/{id}/results",
    summary="Fetch the results of a batch",
    response_class=Response,
    responses={
        200: {
            "description": "One record for each item, in the order in which they were sent.",
            "content": {
                "application/jsonl": {"schema": {"type": "string"}},
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    },
)
async def get_results(
    request: Request,
    caller: _Reader,
    id: _Id,  # noqa: A002 - its name in the path
    format: Annotated[Literal["jsonl", "csv"], Query(description="Lines of JSON, or a table.")] = "jsonl",  # noqa: A002 - its name in the query
) -> Response:
    """Return what there is: an item that isn't judged yet, or failed, is a record that says why."""
    service = service_of(request)
    batch = await _found(service, caller, id)
    records = service.batches.records(caller.tenant, id)
    if format == "csv":
        rubric = await asyncio.to_thread(_rubric_of, service, caller, batch)
        headers = {"Content-Disposition": f'attachment; filename="{batch.id}.csv"'}
        table = await asyncio.to_thread(csv_file, records, rubric)
        return StreamingResponse(pieces(table), media_type="text/csv", headers=headers)
    return StreamingResponse(json_lines(records), media_type="application/jsonl")


@router.get("/{id}/events", summary="Follow a batch", response_class=EventSourceResponse)
async def follow_batch(
    request: Request, caller: _Reader, first: Annotated[BatchResource, Depends(_first_look)]
) -> AsyncIterator[ServerSentEvent]:
    """Send a `progress` event whenever something changed, and a `done` event at the end, as server-sent events.

    A stream that ends without it was broken off: the batch was deleted, or the service stops.
    """
    service = service_of(request)
    batch, told = first, None
    while not service.draining.is_set():
        if batch.status in ("completed", "cancelled") and not batch.counts.queued:
            yield ServerSentEvent(event="done", data=batch.model_dump(mode="json"))
            return
        if batch != told:
            yield ServerSentEvent(event="progress", data=batch.model_dump(mode="json"))
            told = batch
        await asyncio.sleep(_LOOK_S)
        try:
            batch = await _found(service, caller, first.id)
        except (Problem, DatabaseFailed):  # it was deleted, or nobody knows: a stream that has begun can't tell
            return


@router.post("/{id}/cancel", summary="Cancel a batch")
async def cancel_batch(request: Request, caller: _Writer, id: _Id) -> BatchResource:  # noqa: A002 - its name in the path
    """Judge nothing more of a batch; what is judged already stays."""
    service = service_of(request)

    def cancel() -> None:
        if service.batches.cancel(caller.tenant, id):
            service.lanes.cancel(caller.tenant, id)

    await asyncio.to_thread(cancel)
    return await _found(service, caller, id)


@router.delete("/{id}", status_code=204, summary="Delete a batch", response_class=Response)
async def delete_batch(request: Request, caller: _Writer, id: _Id) -> None:  # noqa: A002 - its name in the path
    """Delete a batch and all its results, for good."""
    if not await asyncio.to_thread(service_of(request).batches.delete, caller.tenant, id):
        raise _unknown()


def _send(service: Service, caller: Caller, sent: Sent, id_: str) -> None:
    options = sent.options
    rubric = service.rubrics.asked(caller.tenant, options.rubric)
    judge = service.judges.known(options.judge)
    batch = KeptBatch(
        tenant=caller.tenant,
        id=id_,
        title=options.title,
        rubric=options.rubric,
        judge=judge,
        created_s=service.clock(),
        expires_s=service.expires_s(),
    )
    if service.judges.hosted(judge) and service.tenancy.budgets.left_usd(caller.tenant) is not None:
        sample, count = weigh(sent)
        service.purser.hold_batch(caller.tenant, judge, rubric, sample, count, id_)
    send(batch, sent, service.judges.spec(judge, rubric), service.batches, service.lanes)


def _rubric_of(service: Service, caller: Caller, batch: BatchResource) -> Rubric:
    """Return the rubric that judged a batch: its id alone may name a later version by now."""
    records = service.batches.records(caller.tenant, batch.id)
    first = next((record for record in records if isinstance(record, GradedItem)), None)
    if first is not None:
        told = first.evaluation.rubric
        with suppress(Problem):  # a shipped one was replaced by a later release
            return service.rubrics.get(caller.tenant, f"{told.id}@{told.version}").rubric
    return service.rubrics.get(caller.tenant, batch.rubric).rubric


def _unknown() -> Problem:
    return Problem(404, "not_found", "There is no such batch", where="id")
