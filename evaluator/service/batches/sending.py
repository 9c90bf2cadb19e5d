"""A batch from its file to its rows: items in, jobs and failures kept; the same file again adds nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from evaluator.batch.forecast import SAMPLE
from evaluator.batch.inputs import ReadOptions, read_items
from evaluator.batch.packing import chunks
from evaluator.batch.records import Item
from evaluator.batch.runs import Spec
from evaluator.errors import InputError
from evaluator.service.batches.reading import Sent
from evaluator.service.batches.store import BatchStore, KeptBatch
from evaluator.service.evaluations.store import Kept
from evaluator.service.evaluations.wire import EvaluationFailure
from evaluator.service.jobs.job import Job
from evaluator.service.jobs.lanes import LaneStore
from evaluator.service.problems import Problem
from evaluator.values.transcript import Transcript

__all__ = ["send", "weigh"]

_MOST: Final = 100_000  # items of a batch


def send(batch: KeptBatch, sent: Sent, spec: Spec, batches: BatchStore, lanes: LaneStore) -> None:
    """Keep a batch and its items, in their order.

    Raises:
        InputError: The file holds no transcripts, or can't be read.
        Problem: It holds too many, or was deleted meanwhile.
    """
    batches.add(batch)
    found = 0
    try:
        for chunk in chunks(_numbered(sent)):
            jobs = [Job(_kept(batch, sent, number, item), item.transcript) for number, item in chunk]
            lanes.submit(batch.tenant, spec, jobs)
            found += len(jobs)
        _check_any(found)
        cancelled = _ready(batches, batch)
    except BaseException:
        batches.delete(batch.tenant, batch.id)
        raise
    if cancelled:
        lanes.cancel(batch.tenant, batch.id)


def _ready(batches: BatchStore, batch: KeptBatch) -> bool:
    """Say that all items are there; return whether the batch was cancelled meanwhile."""
    cancelled = batches.ready(batch.tenant, batch.id)
    if cancelled is None:
        raise Problem(404, "not_found", "The batch was deleted while it was read", remedy="send it again")
    return cancelled


def weigh(sent: Sent) -> tuple[list[Transcript], int]:
    """Return the first transcripts of a batch, and how many it holds.

    Raises:
        InputError: As `send`, like the rest.
        Problem: As `send`.
    """
    sample: list[Transcript] = []
    count = 0
    for _, item in _numbered(sent):
        if item.transcript is not None:
            count += 1
            if len(sample) < SAMPLE:
                sample.append(item.transcript)
    return sample, count


def _check_any(found: int) -> None:
    if not found:
        raise InputError("there is no transcript in it", where="body", remedy="send one object a line, with `text`")


def _numbered(sent: Sent) -> Iterator[tuple[int, Item]]:
    options = sent.options
    wishes = ReadOptions(
        question=options.question, question_type=options.question_type, name_column=options.name_column
    )
    for number, item in enumerate(read_items([str(sent.path)], wishes)):
        if number >= _MOST:
            raise Problem(
                413, "batch_too_large", "The batch holds too many items", remedy=f"send at most {_MOST:,} at once"
            )
        yield number, item


def _kept(batch: KeptBatch, sent: Sent, number: int, item: Item) -> Kept:
    column = sent.options.candidate_column
    problem = item.problem
    digest = hashlib.sha256(f"{batch.tenant}\0{batch.id}\0{number}".encode()).hexdigest()
    return Kept(
        tenant=batch.tenant,
        id=f"eval_{digest[:24]}",
        status="queued" if item.transcript is not None else "failed",
        created_s=batch.created_s,
        expires_s=batch.expires_s,
        rubric=batch.rubric,
        judge=batch.judge,
        batch=batch.id,
        name=item.name,
        candidate=item.columns.get(column) if column else None,
        metadata=item.columns,
        problem=EvaluationFailure(code=problem.code, message=problem.message, again=problem.again) if problem else None,
        settled_s=None if item.transcript is not None else batch.created_s,
    )
