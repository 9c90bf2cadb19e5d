"""The values: what goes in comes out, what doesn't belong is refused, and broken promises can't be built."""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

from evaluator import values
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Evidence
from evaluator.values.scorecard import Scorecard
from evaluator.values.transcript import Flag, Turn
from evaluator.values.usage import Usage
from tests.fakes import make_evaluation, make_transcript, opinion

_MODULES = [importlib.import_module(f"{values.__name__}.{part.name}") for part in pkgutil.iter_modules(values.__path__)]
_MODELS = [
    model
    for module in _MODULES
    for name in module.__all__
    if isinstance(model := getattr(module, name), type) and issubclass(model, BaseModel) and model.model_fields
]


def _evaluation() -> Evaluation:
    transcript = make_transcript(
        ("interviewer", "How would you measure success?"),
        Turn(
            role="candidate", text="I’d track clicks — “taps”, so to say 👍🏽.", name="Ana", start_s=1.5, end_s=61.123
        ),
        flags=(Flag(code="odd_times", message="Times overlap.", turn=1, start=0, end=3),),
    )
    verdicts = (
        opinion("vanity", "present", "i'd track clicks"),
        opinion("no_goal", "present"),
        opinion("vague", "absent"),
    )
    return make_evaluation(transcript, *verdicts)


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every object within a JSON value, maps from ids to counts aside."""
    if isinstance(value, dict):
        if path[-1:] != ("by_severity",):
            yield path
        for key in value:  # pyright: ignore[reportUnknownVariableType] - JSON
            yield from _places(value[key], (*path, str(key)))  # pyright: ignore[reportUnknownArgumentType] - JSON
    elif isinstance(value, list):
        for index, item in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON
            yield from _places(item, (*path, index))  # pyright: ignore[reportUnknownArgumentType] - JSON


def test_an_evaluation_survives_json() -> None:
    """Written as JSON and read again, an evaluation is equal, and so is its JSON."""
    evaluation = _evaluation()
    text = evaluation.model_dump_json()
    again = Evaluation.model_validate_json(text)
    assert again == evaluation
    assert again.model_dump_json() == text
    assert evaluation.findings[0].evidence[0].quote == "I’d track clicks"


def test_unknown_keys_are_refused_everywhere() -> None:
    """A key that doesn't belong is refused in whatever object it stands."""
    text = _evaluation().model_dump_json()
    for path in _places(json.loads(text)):
        data = json.loads(text)
        place = data
        for step in path:
            place = place[step]
        place["surprise"] = 1
        with pytest.raises(ValidationError, match="surprise"):
            Evaluation.model_validate(data)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_only_finite_numbers_are_accepted(number: float) -> None:
    """NaN and infinities are refused, in Python and in JSON alike."""
    with pytest.raises(ValidationError):
        Turn(role="candidate", text="x", start_s=number)
    with pytest.raises(ValidationError):
        Usage(cost_usd=number)
    with pytest.raises(ValidationError):
        Evaluation.model_validate_json(_evaluation().model_dump_json().replace("61.123", json.dumps(number)))


@pytest.mark.parametrize("model", _MODELS)
def test_values_are_frozen_and_closed(model: type[BaseModel]) -> None:
    """Every model refuses change, unknown keys and numbers that are none."""
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("allow_inf_nan") is False


@pytest.mark.parametrize(
    "forged",
    [
        {"quote": "I’d track smiles"},
        {"start": 1, "end": 17},
        {"turn": 0},
        {"turn": 7},
    ],
)
def test_forged_evidence_can_not_be_loaded(forged: dict[str, object]) -> None:
    """An evaluation whose evidence is not what the candidate said at that place is refused, wherever it comes from."""
    data = json.loads(_evaluation().model_dump_json())
    data["findings"][0]["evidence"][0].update(forged)
    with pytest.raises(ValidationError, match="not what the candidate said"):
        Evaluation.model_validate(data)


def test_a_span_is_as_long_as_its_quote() -> None:
    """Evidence can't be built with a span of another length, nor for anybody but the candidate."""
    with pytest.raises(ValidationError, match="as long as the quote"):
        Evidence(turn=0, speaker="candidate", start=0, end=9, quote="clicks", match="exact")
    with pytest.raises(ValidationError):
        Evidence.model_validate(
            {"turn": 0, "speaker": "interviewer", "start": 0, "end": 6, "quote": "clicks", "match": "exact"}
        )


def test_a_scorecard_has_a_band_or_a_reason() -> None:
    """Neither a band beside reasons for review, nor a lack of both, can be built."""
    card = _evaluation().scorecard.model_dump()
    for wrong in ({"needs_review": True}, {"band": None}, {"review_reasons": ("low_coverage: …",)}):
        with pytest.raises(ValidationError, match="either a band or reasons"):
            Scorecard.model_validate(card | wrong)


@pytest.mark.parametrize("model", _MODELS)
def test_every_field_says_what_it_is(model: type[BaseModel]) -> None:
    """In the published schema each field has a description, its own or that of the model it holds."""
    properties = model.model_json_schema()["properties"]
    bare = [name for name, field in properties.items() if "description" not in field and "$ref" not in str(field)]
    assert bare == []
    assert model.__doc__
