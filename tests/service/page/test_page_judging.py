"""Tests of the forms that take a transcript."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import TranscriptError
from evaluator.resources import resource_dir
from evaluator.rubric import rubric_paths
from evaluator.service.evaluations.store import Filters
from evaluator.service.page.choices import SAMPLES, sample_text
from evaluator.service.page.forms import EvaluateForm, submission_of
from evaluator.service.problems import Problem
from evaluator.service.tenants.caller import LOCAL_TENANT
from evaluator.transcripts import parse_transcript
from tests.service.serving import ANSWER, config_in, in_memory

pytestmark = pytest.mark.loopback


async def test_the_form_asks_what_the_api_would(tmp_path: Path) -> None:
    """Kept, an attempt has an address of its own and all that was told of it; not kept, it is shown and is nowhere."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        shown = await client.post("/evaluate", data={"text": ANSWER, "rubric": "netflix_pm_metrics"})
        assert shown.status_code == 200
        assert "Nothing of this was kept" in shown.text
        assert service.evaluations.page(LOCAL_TENANT, Filters(), 2**62, 10)[0] == []
        form = {"text": ANSWER, "keep": "1", "candidate": " ana ", "question_type": "metric_design", "judge": "local"}
        kept = await client.post("/evaluate", data=form)
        assert kept.status_code == 303
        (found,) = service.evaluations.page(LOCAL_TENANT, Filters(), 2**62, 10)[0]
        assert (kept.headers["location"], found.candidate) == (f"/evaluations/{found.id}", "ana")
        page = await client.get(kept.headers["location"])
        assert "metric design, as given" in page.text
        report = await client.get(f"{kept.headers['location']}/report.html")
        assert report.headers["content-disposition"] == f'attachment; filename="{found.id}.html"'


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"text": "  "}, "nothing to judge"),
        ({"text": ANSWER, "rubric": "none"}, "no such rubric"),
        ({"text": ANSWER, "judge": "none"}, "no such judge"),
        ({"text": ANSWER, "question_type": "none"}, "no question type"),
        ({"text": ANSWER, "keep": "1", "candidate": "x" * 201}, "the candidate&#39;s id"),
        ({"text": ANSWER, "question": "x" * 4001}, "the question"),
        ({"text": "", "practice": "1"}, "nothing to judge"),
    ],
)
async def test_what_is_wrong_is_said_beside_the_form(tmp_path: Path, form: dict[str, str], said: str) -> None:
    """A form that can't be judged comes back, with what was filled in and what would help."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.post("/evaluate", data={"rubric": "netflix_pm_metrics", **form})
        assert answer.status_code in (404, 422)
        assert said in answer.text
        assert 'role="alert"' in answer.text
        assert "How would you measure the success" in answer.text or not form["text"].strip()


async def test_a_form_without_end_is_refused(tmp_path: Path) -> None:
    """Too many fields, or a body beyond the limit, are refused without a defect."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        many = await client.post("/evaluate", files=[(f"f{n}", (None, "x")) for n in range(60)])
        assert many.status_code == 400
        large = await client.post("/evaluate", files={"text": (None, "x" * (service.config.max_body_bytes + 1))})
        assert large.status_code in (400, 413)


def test_samples_are_transcripts_that_are_shipped() -> None:
    """Each sample can be read, and names a rubric that there is."""
    for name in SAMPLES:
        text, rubric = sample_text(name)
        assert parse_transcript(text).turns
        assert rubric is None or rubric in rubric_paths()
        assert (resource_dir("fixtures") / "transcripts" / name).is_file()
    with pytest.raises(Problem):
        sample_text("../../etc/passwd")


async def test_speaking_time_counts_only_if_it_was_spoken() -> None:
    """The clock's time becomes the turn's times if the answer was said aloud, and not if it was typed."""
    said = EvaluateForm(text="I decide on one number.", practice=True, taken_s=93.5, question="How?")
    (typed,) = (await submission_of(said)).transcript.turns
    assert (typed.role, typed.start_s, typed.end_s) == ("candidate", None, None)
    aloud = EvaluateForm(text="I decide on one number.", practice=True, taken_s=93.5, question="How?", aloud=True)
    transcript = (await submission_of(aloud)).transcript
    assert (transcript.turns[0].start_s, transcript.turns[0].end_s, transcript.question) == (0.0, 93.5, "How?")


@given(st.text(max_size=400), st.text(max_size=60), st.booleans())
async def test_no_form_is_a_defect(text: str, question: str, practice: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever is filled in, it is either a submission or said to be wrong."""
    form = EvaluateForm(text=text, question=question, practice=practice)
    try:
        submission = await submission_of(form)
    except (Problem, TranscriptError):
        return
    assert submission.transcript.turns
