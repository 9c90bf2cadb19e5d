"""Tests of reviews as labels: what is exported is read back as it was said."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from evaluator.agreement.labels import Label, parse_labels
from evaluator.service.reviews.labels import label_line, labelled_row, row_id
from evaluator.service.reviews.review import Review, Reviewed
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict
from evaluator.values.transcript import Turn
from tests.fakes import make_evaluation, make_rubric, make_transcript, opinion

_RUBRIC = make_rubric()
_CRITERIA = [criterion.id for criterion in _RUBRIC.criteria]
_SAID = "I would track clicks and look at the trend."


def _reviewed(evaluation: Evaluation, said: list[tuple[str, Label, str]], candidate: str | None = None) -> Reviewed:
    judged: dict[str, Verdict] = {finding.criterion: finding.verdict for finding in evaluation.findings}
    last = {(criterion, reviewer): place for place, (criterion, _, reviewer) in enumerate(said)}
    reviews = tuple(
        Review(
            criterion=criterion,
            judged=judged[criterion],
            verdict=verdict,
            reason="Because.",
            reviewer=reviewer,
            created_s=float(place),
        )
        for place, (criterion, verdict, reviewer) in enumerate(said)
        if last[criterion, reviewer] == place
    )
    return Reviewed("eval_1", candidate, evaluation, 1.0, reviews)


_VERDICTS: st.SearchStrategy[Label] = st.sampled_from(["present", "absent", "na"])
_ROLES: st.SearchStrategy[Literal["candidate", "interviewer", "other"]] = st.sampled_from(
    ["candidate", "interviewer", "other"]
)
_TURNS = st.lists(
    st.builds(
        Turn,
        role=_ROLES,
        text=st.sampled_from(
            [_SAID, "How would you measure it?", "Then I'd look at retention, week by week.", "Well."]
        ),
        name=st.sampled_from([None, "Ann", "Bob", "Interviewer 2"]),
    ),
    max_size=6,
)


@given(
    said=st.lists(st.tuples(st.sampled_from(_CRITERIA), _VERDICTS, st.sampled_from(["a", "b", "c"])), min_size=1),
    turns=_TURNS,
)
def test_an_exported_row_reads_as_what_was_said(said: list[tuple[str, Label, str]], turns: list[Turn]) -> None:
    """Whoever reads the export gets the words, parts, labels, disputes and proofs that the service holds."""
    words = [Turn(role="candidate", text=_SAID), *_apart(turns)]
    evaluation = make_evaluation(make_transcript(*words), opinion("vanity", "present", "track clicks", turn=0))
    reviewed = _reviewed(evaluation, said)
    line = label_line(reviewed, _RUBRIC)
    held = labelled_row(reviewed, _RUBRIC, 1)
    assert line is not None
    assert held is not None
    (read,) = parse_labels(line.encode(), _RUBRIC).rows
    assert (read.id, read.labels, read.disputed) == (held.id, held.labels, held.disputed)
    assert read.question_type == held.question_type
    assert (read.evidence, read.lost_evidence) == (held.evidence, ())
    assert read.transcript is not None
    assert held.transcript is not None
    assert [(turn.role, turn.text) for turn in read.transcript.turns] == [
        (turn.role, turn.text) for turn in held.transcript.turns
    ]


def _apart(turns: list[Turn]) -> list[Turn]:
    """Return turns of which no two in a row are one speaker's, as a parsed transcript has them."""
    kept: list[Turn] = []
    former: tuple[str, str | None] = ("candidate", None)
    for turn in turns:
        if (turn.role, turn.name) != former:
            kept.append(turn)
            former = (turn.role, turn.name)
    return kept


def test_a_quote_is_evidence_only_where_the_verdict_was_confirmed() -> None:
    """A judge's proof of a verdict that a person threw out is not exported as a person's proof."""
    evaluation = make_evaluation(None, opinion("vanity", "present", "track clicks", turn=0))
    confirmed = labelled_row(_reviewed(evaluation, [("vanity", "present", "a")]), _RUBRIC, 1)
    thrown_out = labelled_row(_reviewed(evaluation, [("vanity", "absent", "a")]), _RUBRIC, 1)
    assert confirmed is not None
    assert thrown_out is not None
    assert list(confirmed.evidence) == ["vanity"]
    assert list(thrown_out.evidence) == []


def test_attempts_of_one_candidate_share_an_author_that_names_nobody() -> None:
    """The author of a row is the same for all attempts of a person, another for another one, and not their id."""
    evaluation = make_evaluation()
    ann, bob, nobody = (_reviewed(evaluation, [], candidate) for candidate in ("ann@example.org", "bob", None))
    assert row_id(ann).partition("-")[0] != row_id(bob).partition("-")[0]
    assert row_id(ann).endswith("-eval_1")
    assert "ann" not in row_id(ann)
    assert row_id(nobody) == "eval_1"


def test_what_nobody_reviewed_makes_no_row() -> None:
    """An evaluation whose reviews concern another rubric's criteria is left out."""
    evaluation = make_evaluation()
    assert label_line(_reviewed(evaluation, []), _RUBRIC) is None
    assert labelled_row(_reviewed(evaluation, []), _RUBRIC, 1) is None
