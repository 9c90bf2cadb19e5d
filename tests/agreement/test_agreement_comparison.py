"""What counts, what is left out, and what is counted apart when verdicts meet labels."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.agreement.comparison import agreement_of, compared, spans_overlap
from evaluator.agreement.figures import AgreementFigures, CriterionFigures
from evaluator.agreement.labels import LabelledRow, Span
from evaluator.agreement.predictions import Predicted
from tests.agreement.cases import IDS, SAID, label_set, labelled, predicted, row_of
from tests.fakes import make_rubric, make_transcript

_LETTERS = st.text(alphabet="pan", min_size=6, max_size=6)
_VERDICTS = st.text(alphabet="panu-", min_size=6, max_size=6)


def _figures(*pairs: tuple[str, str], confidence: float | None = None) -> AgreementFigures:
    """Return the figures of rows labelled and judged by these letters."""
    rows = [labelled(f"A-{number}", labels) for number, (labels, _) in enumerate(pairs)]
    said = {f"A-{number}": predicted(verdicts, confidence) for number, (_, verdicts) in enumerate(pairs)}
    return agreement_of(make_rubric(), rows, said)


def _line(figures: AgreementFigures, criterion: str = "vanity") -> CriterionFigures:
    return next(line for line in figures.criteria if line.criterion == criterion)


def test_a_criterion_is_counted_as_worked_out_by_hand() -> None:
    """Three labelled present, one found; one false alarm; F1 is 2 * 1 / (2 + 1 + 2)."""
    line = _line(_figures(("p", "p"), ("p", "a"), ("p", "u"), ("a", "p"), ("a", "a")))
    assert (line.n, line.present, line.hits, line.false_alarms, line.misses, line.unscored) == (5, 3, 1, 1, 2, 1)
    assert (line.precision, line.recall, line.f1, line.coverage) == pytest.approx((1 / 2, 1 / 3, 2 / 5, 4 / 5))


@pytest.mark.parametrize("verdict", ["u", "n", "a", "-"])
def test_any_verdict_but_present_misses_what_is_labelled_present(verdict: str) -> None:
    """``unscored``, ``na``, ``absent`` and silence are all false negatives."""
    line = _line(_figures(("p", verdict)))
    assert (line.misses, line.recall, line.f1) == (1, 0.0, 0.0)


def test_silence_is_unscored_and_na_is_not() -> None:
    """A criterion without a verdict lowers coverage; a verdict ``na`` does not."""
    assert _line(_figures(("p", "-"))).coverage == 0.0
    assert _line(_figures(("p", "n"))).coverage == 1.0


def test_labels_that_do_not_apply_are_left_out() -> None:
    """A label ``na`` or none at all is no part of a criterion's figures, whatever the verdict."""
    line = _line(_figures(("n", "p"), ("-a", "pa"), ("a", "a")))
    assert (line.n, line.false_alarms, line.f1) == (1, 0, None)


def test_agreement_on_na_is_counted_apart() -> None:
    """Two labels ``na``, one found; two verdicts ``na``, one right; a row without a label counts on neither side."""
    na = _figures(("n", "n"), ("n", "a"), ("p", "n"), ("-a", "na")).na
    assert (na.labelled, na.judged, na.both, na.precision, na.recall) == (2, 2, 1, 0.5, 0.5)


def test_disputed_labels_count_nowhere_but_in_their_number() -> None:
    """A disputed label adds nothing to a criterion, to ``na`` or to confidence."""
    rows = [labelled("A-1", "pn", disputed=["vanity", "no_goal"])]
    figures = agreement_of(make_rubric(), rows, {"A-1": predicted("an", 0.9)})
    assert [(line.n, line.disputed) for line in figures.criteria[:2]] == [(0, 1), (0, 1)]
    assert (figures.na.labelled, figures.na.judged, figures.confidence.n) == (0, 0, 0)


def test_an_undefined_f1_is_null_left_out_and_named() -> None:
    """Macro F1 averages over the one criterion that has an F1; the other five are named."""
    figures = _figures(("paaaaa", "paaaaa"), ("aaaaaa", "aaaaaa"))
    assert (figures.f1.value, figures.f1.criteria) == (1.0, 1)
    assert figures.f1_undefined == IDS[1:]
    assert _line(figures, "no_goal").f1 is None


def test_without_any_row_every_figure_is_undefined() -> None:
    """Nothing to compare gives null, not 0, and no warning."""
    figures = agreement_of(make_rubric(), [], {})
    assert (figures.transcripts, figures.f1.value, figures.f1.interval, figures.f1.criteria) == (0, None, None, 0)
    assert (figures.confidence.brier, figures.spans.share, figures.band.kappa) == (None, None, None)


def test_rows_without_predictions_are_left_out() -> None:
    """A row that nobody judged is no miss here; the report lists it as failed."""
    rows = [labelled("A-1", "p"), labelled("A-2", "p")]
    figures = agreement_of(make_rubric(), rows, {"A-1": predicted("p"), "Z-9": predicted("a")})
    assert (figures.transcripts, _line(figures).n, _line(figures).f1) == (1, 1, 1.0)


def test_confidence_counts_for_decided_verdicts_on_labels_that_apply() -> None:
    """0.8 right and 0.8 wrong: Brier (0.04 + 0.64) / 2, calibration error 0.3; ``unscored`` and ``na`` are passed."""
    confidence = _figures(("ppn-", "pauu"), confidence=0.8).confidence
    assert confidence.n == 2
    assert confidence.brier == pytest.approx(0.34)
    assert confidence.ece == pytest.approx(0.3)


def test_macro_figures_weigh_each_criterion_the_same() -> None:
    """F1 of 1 on one label and of 2/3 on many average to 5/6."""
    figures = _figures(("pp", "pp"), ("-p", "-a"))
    assert figures.f1.value == pytest.approx((1 + 2 / 3) / 2)


def test_macro_f1_is_told_apart_by_author_and_by_labelled_band() -> None:
    """An author is the id before its first dash; bands come best first; groups without rows are left out."""
    rows = [
        labelled("A-1", "p", band="hire"),
        labelled("A-2-x", "p", band="no_hire"),
        labelled("lone", "p", band="no_hire"),
    ]
    said = {"A-1": predicted("p"), "A-2-x": predicted("a"), "lone": predicted("p")}
    figures = agreement_of(make_rubric(), rows, said)
    assert [(g.name, g.transcripts, g.macro_f1) for g in figures.authors] == [
        ("A", 2, pytest.approx(2 / 3)),
        ("lone", 1, 1.0),
    ]
    assert [(g.name, g.transcripts) for g in figures.gold_bands] == [("hire", 1), ("no_hire", 2)]


def test_bands_are_compared_and_those_that_need_review_counted_apart() -> None:
    """Two of three bands given: confusion and kappa over them; a row without a labelled band is no part of it."""
    rows = [
        labelled("A-1", "a", band="strong_hire"),
        labelled("A-2", "a", band="no_hire"),
        labelled("A-3", "a", band="hire"),
        labelled("A-4", "a"),
    ]
    said = {row.id: predicted("a") for row in rows}
    given_bands = {"A-1": "strong_hire", "A-2": "hire", "A-3": None, "A-4": "hire"}
    band = agreement_of(make_rubric(), rows, said, bands=given_bands).band
    assert (band.n, band.needs_review, band.unlabelled) == (2, 1, 1)
    assert band.confusion == ((1, 0, 0), (0, 0, 0), (0, 1, 0))
    assert band.kappa == pytest.approx(1 - 1 / 3)  # squared distances: 1 seen, 3 by chance


def test_bands_follow_from_verdicts_where_none_are_given() -> None:
    """Verdicts without a judge behind them get the band that the rubric's rules give."""
    figures = agreement_of(make_rubric(), [labelled("A-1", "a", band="no_hire")], {"A-1": predicted("pappaa")})
    assert figures.band.confusion[2] == (0, 0, 1)


def test_quotes_are_checked_where_verdict_and_label_agree() -> None:
    """Of three quotes of a right verdict one overlaps; those of a wrong verdict are not looked at."""
    rows = [labelled("A-1", "pp", evidence={"vanity": "track clicks", "no_goal": "members stay"})]
    start = SAID.index("clicks")
    quotes = (Span(1, start, start + 6), Span(1, 60, 70), Span(0, start, start + 6))
    said = {"A-1": {"vanity": Predicted("present", evidence=quotes), "no_goal": Predicted("absent", evidence=quotes)}}
    figures = agreement_of(make_rubric(), rows, said)
    assert (figures.spans.quotes, figures.spans.overlapping) == (3, 1)
    assert _line(figures).spans.share == pytest.approx(1 / 3)
    assert _line(figures, "no_goal").spans.share is None


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        (Span(0, 0, 3), Span(0, 2, 6), True),
        (Span(0, 0, 3), Span(0, 3, 6), False),
        (Span(0, 0, 4), Span(0, 3, 6), False),
        (Span(0, 0, 6), Span(1, 0, 6), False),
    ],
    ids=["letters", "side by side", "a blank alone", "another turn"],
)
def test_spans_overlap_if_they_share_a_letter_of_one_turn(first: Span, second: Span, *, overlap: bool) -> None:
    """White space and marks alone are no overlap, and places count within one turn."""
    transcript = make_transcript("one two", "one two")
    assert spans_overlap(first, second, transcript) is overlap
    assert spans_overlap(second, first, transcript) is overlap


def test_compared_returns_the_label_that_counts() -> None:
    """Present and absent count; ``na``, missing and disputed labels don't."""
    row = labelled("A-1", "panp", disputed=["vague"])
    assert [compared(row, criterion) for criterion in IDS] == ["present", "absent", None, None, None, None]


@given(st.lists(st.tuples(_LETTERS, _VERDICTS), min_size=1, max_size=6))
def test_figures_stay_in_bounds_and_add_up(pairs: list[tuple[str, str]]) -> None:
    """Counts add up to n, and every interval holds shares in order, whatever is labelled and judged."""
    figures = _figures(*pairs)
    for line in figures.criteria:
        assert line.hits + line.misses == line.present <= line.n
        assert line.false_alarms <= line.n - line.present
        if line.f1_interval:
            assert 0 <= line.f1_interval[0] <= line.f1_interval[1] <= 1
    assert figures.f1.criteria + len(figures.f1_undefined) == len(IDS)


def test_figures_repeat_and_do_not_depend_on_the_order_of_rows() -> None:
    """The same rows in any order give the same figures to the last digit, intervals too."""
    rng = random.Random(4)
    rows = [labelled(f"A-{number}", "".join(rng.choices("pan", k=6))) for number in range(25)]
    said = {row.id: predicted("".join(rng.choices("panu", k=6)), 0.7) for row in rows}
    shuffled: list[LabelledRow] = rng.sample(rows, k=len(rows))
    assert agreement_of(make_rubric(), rows, said) == agreement_of(make_rubric(), shuffled, said)


def test_perfect_and_reversed_verdicts_are_the_ends_of_kappa() -> None:
    """Repeating the labels gives 1; saying the opposite of balanced labels gives -1."""
    assert _figures(("p", "p"), ("a", "a")).kappa.value == 1.0
    assert _figures(("p", "a"), ("a", "p")).kappa.value == -1.0


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    """No bin holds it, so it can't be counted."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Predicted("present", confidence)


def test_verdicts_of_a_whole_set_need_no_judge() -> None:
    """Rows read from a file and plain verdicts are all it takes, as for held-out predictions of a training run."""
    rows = label_set(row_of("A-1", "pa"), row_of("B-1", "ap")).rows
    figures = agreement_of(make_rubric(), rows, {row.id: predicted("pa") for row in rows})
    assert [(group.name, group.macro_f1) for group in figures.authors] == [("A", 1.0), ("B", 0.0)]
