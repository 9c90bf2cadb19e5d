"""``/v1/rubrics``: the shipped ones and the tenant's own, in versions that never change."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from evaluator.rubric import find_rubric_file, parse_rubric, read_rubric_file
from evaluator.rubric_advice import advise
from evaluator.service.context import service_of
from evaluator.service.idempotency.requests import idempotent
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.rubrics.reading import ANY_BODY, MOST_BYTES, RUBRIC_BODY, YAML, faults_in, read_text
from evaluator.service.rubrics.store import KeptRubric, ListedRubric
from evaluator.service.rubrics.wire import RubricCheck, RubricResource, RubricSummary
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import Page, time_of

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/rubrics", tags=["rubrics"], responses=PROBLEM_ANSWERS)
_FORM: Final = "^[0-9A-Za-z_.+-]{1,100}$"  # no null character, which one of the databases can't even be asked for
_Id = Annotated[str, Path(description="Id of the rubric.", pattern=_FORM, examples=["netflix_pm_metrics"])]
_Reader = Annotated[Caller, Depends(allowed("rubrics:read"))]
_Writer = Annotated[Caller, Depends(allowed("rubrics:write"))]


@router.get("", summary="List rubrics")
async def list_rubrics(request: Request, caller: _Reader) -> Page[RubricSummary]:
    """Return the latest version of each rubric, your own before the shipped; all in one page."""
    latest: dict[str, ListedRubric] = {}
    for listed in await asyncio.to_thread(service_of(request).rubrics.listing, caller.tenant):
        latest.setdefault(listed.id, listed)
    return Page[RubricSummary](data=[_summary(listed) for listed in latest.values()], next_cursor=None)


@router.post(
    "",
    status_code=201,
    summary="Add a rubric, or a version of one",
    response_model=RubricSummary,
    responses={200: {"model": RubricSummary, "description": "The same was there already."}},
    openapi_extra={"requestBody": RUBRIC_BODY},
    max_body_size=MOST_BYTES,
)
async def create_rubric(request: Request, caller: _Writer) -> Response:
    """Keep a rubric under its own id and version.

    A version never changes: other words under it are refused with 409.
    """
    service = service_of(request)
    text = await read_text(request)

    async def work(_: str) -> Response:
        kept, new = await asyncio.to_thread(service.rubrics.add, caller.tenant, text, service.clock())
        rubric = kept.rubric
        return Response(
            _summary(_listed(kept)).model_dump_json(),
            201 if new else 200,
            headers={"Location": f"/v1/rubrics/{rubric.id}?version={rubric.version}"},
            media_type="application/json",
        )

    return await idempotent(request, caller, text.encode(), "rubric", work)


@router.post(
    "/validate",
    summary="Check a rubric without keeping it",
    openapi_extra={"requestBody": ANY_BODY},
    max_body_size=MOST_BYTES,
)
async def validate_rubric(request: Request, caller: _Reader) -> RubricCheck:
    """Return every fault with its line, key path and remedy; of a valid rubric, what could be better."""
    del caller
    return await asyncio.to_thread(_check, await read_text(request))


@router.get(
    "/{id}",
    summary="Fetch a rubric",
    response_model=RubricResource,
    responses={
        200: {
            "description": "As JSON; as the YAML that it was sent as, if `Accept` asks for that.",
            "content": {"application/yaml": {"schema": {"type": "string"}}},
        }
    },
)
async def get_rubric(
    request: Request,
    caller: _Reader,
    id: _Id,  # noqa: A002 - its name in the path
    version: Annotated[
        str | None, Query(pattern=_FORM, description="Version; the latest if not given.", examples=["1.0.0"])
    ] = None,
    accept: Annotated[str | None, Header(description="`application/yaml` for YAML.")] = None,
) -> Response:
    """Return a rubric with all that it holds."""
    name = id if version is None else f"{id}@{version}"
    kept = await asyncio.to_thread(service_of(request).rubrics.get, caller.tenant, name)
    asked = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    if any(kind in YAML for kind in asked):
        text = kept.text or await asyncio.to_thread(read_rubric_file, find_rubric_file(kept.rubric.id))
        return Response(text, headers={"Vary": "Accept"}, media_type="application/yaml")
    resource = RubricResource(**dict(_summary(_listed(kept))), rubric=kept.rubric)
    return Response(resource.model_dump_json(), headers={"Vary": "Accept"}, media_type="application/json")


@router.get("/{id}/versions", summary="List the versions of a rubric")
async def list_versions(
    request: Request,
    caller: _Reader,
    id: _Id,  # noqa: A002 - its name in the path
) -> Page[RubricSummary]:
    """Return every version of a rubric, latest first; all in one page."""
    found = await asyncio.to_thread(service_of(request).rubrics.listing, caller.tenant, id)
    if not found:
        raise Problem(404, "not_found", "There is no such rubric", where="id", remedy="GET /v1/rubrics lists them")
    return Page[RubricSummary](data=list(map(_summary, found)), next_cursor=None)


@router.delete(
    "/{id}/versions/{version}", status_code=204, summary="Delete a version of a rubric", response_class=Response
)
async def delete_version(
    request: Request,
    caller: _Writer,
    id: _Id,  # noqa: A002 - its name in the path
    version: Annotated[str, Path(pattern=_FORM, description="Version.", examples=["1.0.0"])],
) -> None:
    """Delete one of your own versions that no stored evaluation names; else 409."""
    await asyncio.to_thread(service_of(request).rubrics.remove, caller.tenant, id, version)


def _check(text: str) -> RubricCheck:
    faults = faults_in(text)
    if faults:
        return RubricCheck(valid=False, faults=faults, advice=())
    rubric = parse_rubric(text)
    summary = _summary(_listed(KeptRubric(rubric, text))).model_copy(update={"origin": "own"})
    return RubricCheck(valid=True, faults=(), advice=advise(rubric), rubric=summary)


def _listed(kept: KeptRubric) -> ListedRubric:
    rubric = kept.rubric
    return ListedRubric(rubric.id, rubric.version, rubric.title, rubric.sha256, len(rubric.criteria), kept.created_s)


def _summary(listed: ListedRubric) -> RubricSummary:
    return RubricSummary(
        id=listed.id,
        version=listed.version,
        title=listed.title,
        criteria=listed.criteria,
        sha256=listed.sha256,
        origin="shipped" if listed.created_s is None else "own",
        created_at=None if listed.created_s is None else time_of(listed.created_s),
    )
