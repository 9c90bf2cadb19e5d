"""Tests that hold the client against the service's own description of itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from pydantic import BaseModel

from evaluator.client import AsyncClient, Client
from evaluator.client.call import Body, Call, Form
from evaluator.client.operations import batches, evaluations, rubrics, webhooks
from evaluator.client.resources import batches as batch_resources
from evaluator.client.resources import evaluations as evaluation_resources
from evaluator.client.resources import rubrics as rubric_resources
from evaluator.client.resources import usage as usage_resources
from evaluator.client.resources import webhooks as webhook_resources
from evaluator.client.resources.batches import BatchOptions
from evaluator.client.resources.evaluations import EvaluationOptions
from evaluator.client.resources.shared import Resource
from evaluator.service.app import create_app
from tests.service.serving import config_in

_LEFT_OUT: Final = {
    ("GET", "/metrics"),  # for a monitoring system, in its own form
}
_OPTIONS: Final[EvaluationOptions] = {
    "format": "plain",
    "speaker": "Ann",
    "question": "How?",
    "question_type": "metric_design",
    "rubric": "small",
    "judge": "local",
    "store": True,
    "candidate": "c",
    "metadata": {"a": "b"},
    "deadline_s": 1.0,
}
_FILE: Final = Path(__file__)


def _calls() -> dict[str, list[Call[Any]]]:
    """Return every operation with every argument given, by its name in the client."""
    return {
        "create_evaluation": [
            evaluations.create_evaluation("text", None, None, _OPTIONS),
            evaluations.create_evaluation(None, [{"speaker": "candidate", "text": "x"}], None, _OPTIONS, later=True),
            evaluations.create_evaluation(None, None, _FILE, _OPTIONS),
        ],
        "get_evaluation": [evaluations.get_evaluation("e")],
        "list_evaluations": [
            evaluations.list_evaluations(
                "c",
                status="queued",
                rubric="r",
                candidate="c",
                batch="b",
                band="hire",
                needs_review=True,
            )
        ],
        "delete_evaluation": [evaluations.delete_evaluation("e")],
        "put_review": [evaluations.put_review("e", "c", "absent", "why", "anna")],
        "get_reviews": [evaluations.get_reviews("e")],
        "delete_review": [evaluations.delete_review("e", "c", "anna")],
        "export_labels": [evaluations.export_labels("r", "j")],
        "create_batch": [
            batches.create_batch([{"text": "x"}], _BATCH),
            batches.create_batch(_FILE, _BATCH),
        ],
        "get_batch": [batches.get_batch("b")],
        "list_batches": [batches.list_batches("c")],
        "get_results": [batches.get_results("b", "csv")],
        "follow_batch": [batches.follow_batch("b")],
        "cancel_batch": [batches.cancel_batch("b")],
        "delete_batch": [batches.delete_batch("b")],
        "list_rubrics": [rubrics.list_rubrics()],
        "get_rubric": [rubrics.get_rubric("r", "1.0.0")],
        "get_rubric_yaml": [rubrics.get_rubric_yaml("r", "1.0.0")],
        "list_versions": [rubrics.list_versions("r")],
        "create_rubric": [rubrics.create_rubric("id: r")],
        "validate_rubric": [rubrics.validate_rubric("id: r")],
        "delete_version": [rubrics.delete_version("r", "1.0.0")],
        "list_judges": [rubrics.list_judges("r")],
        "measure_labels": [rubrics.measure_labels([{"id": "a"}], "r", "j")],
        "measure_reviews": [rubrics.measure_reviews("r", "j")],
        "create_webhook": [webhooks.create_webhook("https://example.com", ["evaluation.completed"], "Ours")],
        "list_webhooks": [webhooks.list_webhooks()],
        "get_webhook": [webhooks.get_webhook("w")],
        "change_webhook": [webhooks.change_webhook("w", "https://example.com", [], "Ours", disabled=True)],
        "delete_webhook": [webhooks.delete_webhook("w")],
        "rotate_secret": [webhooks.rotate_secret("w", 5)],
        "test_webhook": [webhooks.test_webhook("w")],
        "list_deliveries": [webhooks.list_deliveries("w", "c", status="failed")],
        "replay_delivery": [webhooks.replay_delivery("w", "d")],
        "read_usage": [webhooks.read_usage()],
        "health": [webhooks.health()],
        "ready": [webhooks.ready()],
    }


_BATCH: Final[BatchOptions] = {
    "title": "t",
    "rubric": "r",
    "judge": "j",
    "question": "q",
    "question_type": "t",
    "name_column": "n",
    "candidate_column": "c",
}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the OpenAPI of the service."""
    return create_app(config_in(tmp_path_factory.mktemp("described"))).openapi()


def _operations(described: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/") or path in ("/healthz", "/readyz", "/metrics")
    }


def test_every_operation_has_a_method_in_the_client(described: Mapping[str, Any]) -> None:
    """What the service offers, the client calls, or it stands in the list of what is left out; and nothing else."""
    called = {(call.method, call.path) for calls in _calls().values() for call in calls}
    assert called == set(_operations(described)) - _LEFT_OUT


def test_every_operation_of_the_client_is_looked_at_here() -> None:
    """A new function among the operations fails this test until its call is in the table above."""
    modules: tuple[ModuleType, ...] = (evaluations, batches, rubrics, webhooks)
    assert set(_calls()) == {name for module in modules for name in module.__all__}


@pytest.mark.parametrize("name", sorted(_calls()))
def test_parameters_are_those_of_the_description(described: Mapping[str, Any], name: str) -> None:
    """Names in the path and in the query are the service's, all of them, and the body is of a kind that it reads."""
    for call in _calls()[name]:
        operation = _operations(described)[call.method, call.path]
        told = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", [])}
        sent = {("path", key) for key in call.names}
        if not (isinstance(call.body, Form) and call.query == {}):
            sent |= {("query", key) for key in call.query}
            assert sent == {(place, key) for place, key in told if place in ("path", "query")} - _REFUSED
        assert set(re.findall(r"{(\w+)}", call.path)) == set(call.names)
        kinds = operation.get("requestBody", {}).get("content", {})
        match call.body:
            case Body(_, media_type):
                assert media_type in kinds
            case Form():
                assert "multipart/form-data" in kinds
            case None:
                assert not operation.get("requestBody", {}).get("required")


_REFUSED: Final = {("query", "store")}  # of a batch: the service refuses `false`, and nothing else can be meant


def _members(described: Mapping[str, Any], schema: Mapping[str, Any]) -> set[str]:
    while "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return {name for one in schema["anyOf"] for name in _members(described, one)}
    return set(schema.get("properties", {}))


@pytest.mark.parametrize(
    "name",
    ["create_evaluation", "put_review", "create_webhook", "change_webhook", "rotate_secret", "measure_reviews"],
)
def test_bodies_hold_the_members_of_the_description(described: Mapping[str, Any], name: str) -> None:
    """All arguments given, a JSON body has every member that the service takes, and no other."""
    sent: set[str] = set()
    told: set[str] = set()
    for call in _calls()[name]:
        if isinstance(call.body, Body):
            sent |= set(_Members.model_validate_json(call.body.content).model_extra or {})
            schema = _operations(described)[call.method, call.path]["requestBody"]["content"]["application/json"]
            told = _members(described, schema["schema"])
    assert sent == told


class _Members(BaseModel):
    model_config = {"extra": "allow"}


_RESOURCES: Final = [
    getattr(module, name)
    for module in (batch_resources, evaluation_resources, rubric_resources, usage_resources, webhook_resources)
    for name in module.__all__
    if inspect.isclass(getattr(module, name)) and issubclass(getattr(module, name), Resource)
]


@pytest.mark.parametrize("resource", _RESOURCES, ids=lambda resource: resource.__name__)
def test_resources_have_the_members_of_the_description(described: Mapping[str, Any], resource: type[Resource]) -> None:
    """A model of the client reads every member that the service describes under the same name."""
    schemas = described["components"]["schemas"]
    assert set(resource.model_fields) == set(schemas[resource.__name__]["properties"])


def test_both_clients_offer_the_same() -> None:
    """What can be asked with `Client` can be asked with `AsyncClient`, by the same names and parameters."""

    def offered(client: object, depth: int = 0) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in dir(client):
            if name.startswith("_"):
                continue
            member = getattr(client, name)
            if callable(member):
                found[name] = list(inspect.signature(member).parameters)
            elif depth == 0:
                found |= {f"{name}.{key}": value for key, value in offered(member, depth + 1).items()}
        return found

    waiting = offered(Client())
    assert waiting == offered(AsyncClient())
    assert len(waiting) > len(_calls())


def test_names_in_the_description_tell_nothing_of_modules(described: Mapping[str, Any]) -> None:
    """Every model of the service has a name of its own, so that generated clients read well."""
    assert [name for name in described["components"]["schemas"] if "__" in name] == []
