"""Asking a judge about labelled rows, and taking saved evaluations: every row ends as an evaluation or a failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from evaluator.agreement.labels import LabelledRow
from evaluator.agreement.measure import Failure, match, measure
from evaluator.agreement.predictions import EvaluatedRow, parse_evaluations, predictions_of, read_evaluations
from evaluator.errors import JudgeUnavailable, LabelsError, MissingExtra
from evaluator.judging import Case, Judgement
from evaluator.values.evaluation import Evaluation
from tests.agreement.cases import SAID, label_set, labelled, row_of
from tests.fakes import FakeJudge, make_evaluation, make_rubric, make_transcript, opinion


class _CountingJudge(FakeJudge):
    """Lets other rows begin while it thinks, and counts how many are under way."""

    under_way = 0
    most = 0

    async def judge(self, case: Case) -> Judgement:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().judge(case)


def _rows(count: int) -> tuple[LabelledRow, ...]:
    return label_set(*(row_of(f"A-{number}", "p") for number in range(count))).rows


async def test_every_row_is_judged_with_its_question_type() -> None:
    """The judge sees each transcript and the labelled question type, and no label."""
    judge = FakeJudge([opinion("vanity", "present", "track clicks")])
    done = await measure(_rows(3), make_rubric(), judge)
    assert list(done.evaluations) == ["A-0", "A-1", "A-2"]
    assert done.failures == ()
    assert {case.question_type for case in judge.cases} == {"design"}


async def test_no_more_rows_than_allowed_are_under_way() -> None:
    """Of twenty rows at most three are judged at once, and three are."""
    judge = _CountingJudge()
    await measure(_rows(20), make_rubric(), judge, concurrency=3)
    assert (judge.most, len(judge.cases)) == (3, 20)


async def test_a_row_that_cannot_be_read_is_a_failure() -> None:
    """It stands in the record with its line; the others are judged."""
    rows = label_set(row_of("A-1", "p", turns=[]), row_of("A-2", "p")).rows
    done = await measure(rows, make_rubric(), FakeJudge())
    assert list(done.evaluations) == ["A-2"]
    assert [(failure.id, failure.line, failure.error) for failure in done.failures] == [("A-1", 1, "TranscriptError")]


async def test_a_judge_that_gives_no_answer_makes_failures() -> None:
    """Each failure holds the kind of error and its message."""
    done = await measure(_rows(2), make_rubric(), FakeJudge(error=JudgeUnavailable("too busy")))
    assert [(failure.error, failure.message) for failure in done.failures] == [("JudgeUnavailable", "too busy")] * 2


async def test_a_defect_of_a_judge_costs_its_row_alone_and_spills_nothing() -> None:
    """The kind of a foreign error is told, its words are not: they may be the candidate's."""
    done = await measure(_rows(1), make_rubric(), FakeJudge(error=RuntimeError(SAID)))
    assert [(failure.error, failure.message) for failure in done.failures] == [("RuntimeError", "the judge broke down")]


async def test_a_missing_package_ends_the_measurement() -> None:
    """No row could succeed, so the error itself comes out, with its remedy."""
    missing = MissingExtra("the local judge needs a package", remedy="install it")
    with pytest.raises(MissingExtra, match="install it"):
        await measure(_rows(3), make_rubric(), FakeJudge(error=missing))


async def test_each_row_is_told_once_when_it_is_through() -> None:
    """The callback gets every outcome, failures too."""
    told: list[tuple[str, type[object]]] = []
    rows = label_set(row_of("A-1", "p", turns=[]), row_of("A-2", "p")).rows
    await measure(rows, make_rubric(), FakeJudge(), on_done=lambda row, what: told.append((row.id, type(what))))
    assert sorted(told, key=lambda item: item[0]) == [("A-1", Failure), ("A-2", Evaluation)]


async def test_no_rows_are_no_error() -> None:
    """Nothing to measure gives nothing."""
    done = await measure((), make_rubric(), FakeJudge())
    assert (dict(done.evaluations), done.failures) == ({}, ())


async def test_saved_evaluations_are_matched_by_id_words_and_rubric() -> None:
    """One that is missing, of other words or by another rubric is a failure with its reason; the rest are taken."""
    rows = (*_rows(4), labelled("B-1", "p", turns=[]))
    made = (await measure(rows[:1], make_rubric(), FakeJudge())).evaluations["A-0"]
    foreign = made.model_copy(update={"rubric": made.rubric.model_copy(update={"id": "other"})})
    of_others = make_evaluation(make_transcript("Something else was said."))
    done = match(rows, make_rubric(), {"A-0": made, "A-1": foreign, "A-2": of_others, "B-1": made})
    assert list(done.evaluations) == ["A-0"]
    assert [(failure.id, failure.message) for failure in done.failures[:3]] == [
        ("A-1", "it was judged by another rubric, other"),
        ("A-2", "the evaluation of this id is of other words"),
        ("A-3", "there is no evaluation of this id"),
    ]
    assert (done.failures[3].id, done.failures[3].error) == ("B-1", "TranscriptError")


def test_saved_evaluations_are_read_as_they_were_written() -> None:
    """A file of evaluations gives back equal evaluations by id."""
    made = make_evaluation(None, opinion("vanity", "present", "I would track clicks", turn=0))
    line = EvaluatedRow(id="A-1", evaluation=made).model_dump_json().encode()
    assert parse_evaluations(b"\xef\xbb\xbf" + line + b"\n\n") == {"A-1": made}


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([b""], "saved.jsonl"),
        ([b"nonsense"], "saved.jsonl, line 1"),
        ([b'{"id": "A-1"}'], "saved.jsonl, line 1, evaluation"),
        ([b'{"id": "A-1", "evaluation": {"id": "ev"}}'], "saved.jsonl, line 1, evaluation.content_key"),
        ([b"\xff"], "saved.jsonl, line 1"),
    ],
)
def test_a_line_that_is_no_evaluation_is_refused_at_its_place(lines: list[bytes], place: str) -> None:
    """The error names file, line and key path, and what writes such lines."""
    with pytest.raises(LabelsError) as caught:
        parse_evaluations(b"\n".join(lines), name="saved.jsonl")
    assert caught.value.where == place


def test_a_file_of_evaluations_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(LabelsError, match=r"^none\.jsonl: "):
        read_evaluations(tmp_path / "none.jsonl")


def test_an_id_that_stands_twice_is_refused() -> None:
    """Two evaluations of one row leave open which is measured."""
    line = EvaluatedRow(id="A-1", evaluation=make_evaluation()).model_dump_json().encode()
    with pytest.raises(LabelsError, match="line 2, id"):
        parse_evaluations(line + b"\n" + line)


def test_predictions_hold_verdict_confidence_and_spans_of_an_evaluation() -> None:
    """What is measured is what the evaluation says, criterion by criterion."""
    made = make_evaluation(None, opinion("vanity", "present", "I would track clicks", turn=0, confidence=0.7))
    said = predictions_of(made)
    assert set(said) == {finding.criterion for finding in made.findings}
    assert (said["vanity"].verdict, said["vanity"].confidence) == ("present", 0.7)
    span = said["vanity"].evidence[0]
    assert made.transcript.turns[span.turn].text[span.start : span.end] == "I would track clicks"
