"""Files of labels: what is read, what is refused and where, and what becomes a problem of its row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.agreement.labels import Span, parse_labels, read_labels
from evaluator.errors import LabelsError
from evaluator.resources import resource_dir
from evaluator.rubric import load_rubric
from tests.agreement.cases import SAID, label_bytes, label_set, labelled, row_of
from tests.fakes import make_rubric


def test_a_row_is_read_with_its_labels_and_transcript() -> None:
    """Labels, band and disputes come as written; keys that nobody knows are ignored."""
    row = labelled("A-7", "pan", band="hire", disputed=["vague"], follow_up="Why?", annotators=2)
    assert (row.id, row.author, row.line, row.band, row.disputed) == ("A-7", "A", 1, "hire", frozenset({"vague"}))
    assert dict(row.labels) == {"vanity": "present", "no_goal": "absent", "no_guardrail": "na"}
    assert row.transcript is not None
    assert [turn.role for turn in row.transcript.turns] == ["interviewer", "candidate"]


def test_labelled_words_are_found_in_the_candidates_turns() -> None:
    """Evidence becomes a span of the transcript; words that the candidate didn't say are named, not dropped."""
    row = labelled("A-1", "ppa", evidence={"vanity": "track clicks", "no_goal": "measure success", "vague": None})
    start = SAID.index("track clicks")
    assert dict(row.evidence) == {"vanity": Span(1, start, start + len("track clicks"))}
    assert row.lost_evidence == ("no_goal",)


def test_lines_are_counted_past_blank_ones_and_a_byte_order_mark() -> None:
    """The line of a row is its line in the file."""
    content = b"\xef\xbb\xbf\n" + label_bytes(row_of("A-1", "p")) + b"\r\n" + label_bytes(row_of("A-2", "p"))
    labels = parse_labels(content, make_rubric())
    assert [(row.id, row.line) for row in labels.rows] == [("A-1", 2), ("A-2", 4)]
    assert labels.total == 2


def test_line_separators_inside_a_text_part_no_rows() -> None:
    """U+2028 and U+0085 may stand in JSON text; a row ends at a newline alone."""
    turns = [{"speaker": "candidate", "text": "I would\u2028track\u0085clicks every day."}]
    content = json.dumps(row_of("A-1", "p", turns=turns), ensure_ascii=False).encode()
    assert len(parse_labels(content, make_rubric()).rows) == 1


@pytest.mark.parametrize(
    ("row", "place", "says"),
    [
        (row_of("A-1", "p", labels={"vainness": "present"}), "line 2, labels", "no criterion 'vainness'"),
        (row_of("A-1", "p", labels={"vanity": "maybe"}), "line 2", "labels.vanity: Input should be 'present'"),
        (row_of("A-1", "p", labels={"vanity": "unscored"}), "line 2", "labels.vanity"),
        (row_of("A-1", "p", labels={}), "line 2", "labels"),
        (row_of("A-1", "p", labels=["vanity"]), "line 2", "labels"),
        (row_of("A-1", "p", evidence={"vainness": "x"}), "line 2, evidence", "no criterion 'vainness'"),
        (row_of("A-1", "p", evidence={"vanity": 3}), "line 2", "evidence.vanity"),
        (row_of("A-1", "p", band="maybe"), "line 2, band", "no band 'maybe'"),
        (row_of("A-1", "p", question_type="chat"), "line 2, question_type", "no question type 'chat'"),
        (row_of("A-1", "p", disputed=["vanity", "vainness"]), "line 2, disputed[1]", "no criterion 'vainness'"),
        (row_of("A-1", "p", turns="hello"), "line 2", "turns"),
        (row_of("", "p"), "line 2", "id"),
        (row_of("x" * 201, "p"), "line 2", "id"),
        ({"id": "A-1"}, "line 2", "labels: Field required"),
        (row_of("A-0", "p"), "line 2, id", "the id of line 1 stands here again"),
        (row_of("A-1", "p", labels={"\x1b[31m" + "v" * 99: "present"}), "line 2, labels", "\\x1b[31m"),
    ],
)
def test_a_row_that_breaks_the_form_is_refused_at_its_place(row: dict[str, object], place: str, says: str) -> None:
    """The error names file, line and key path and what would do, on one harmless line."""
    with pytest.raises(LabelsError) as caught:
        label_set(row_of("A-0", "p"), row)
    assert caught.value.where is not None
    assert caught.value.where.startswith(f"set.jsonl, {place}")
    assert says in caught.value.message
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "set.jsonl"),
        (b"\n \n", "set.jsonl"),
        (b"[]", "line 1"),
        (b"null", "line 1"),
        (b"{", "line 1"),
        (b'{"id": "a", "id": "b"}', "line 1"),
        (b'{"id": NaN}', "line 1"),
        (b"[" * 100_000, "line 1"),
        (b'{"id": "A-1"}\n\xff', "line 2"),
        (b"\x89PNG\r\n\x1a\n\x00", "line 1"),
    ],
)
def test_what_is_no_file_of_labels_is_refused_at_its_line(content: bytes, place: str) -> None:
    """Empty files, other JSON, repeated keys, deep nesting and bytes that are no text end in one clear error."""
    with pytest.raises(LabelsError) as caught:
        parse_labels(content, make_rubric(), name="set.jsonl")
    assert place in (caught.value.where or "")


def test_an_error_holds_no_words_of_a_transcript() -> None:
    """What the candidate said stays out of messages, whatever is wrong with the row."""
    turns = [{"speaker": "candidate", "text": "a secret plan"}]
    with pytest.raises(LabelsError) as caught:
        label_set(row_of("A-1", "p", turns=turns, labels={"vanity": "a secret plan"}))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("turns", [[], [{"speaker": "candidate"}], ["hello"], [{"speaker": "candidate", "text": " "}]])
def test_a_transcript_that_cannot_be_read_is_a_problem_of_its_row(turns: list[object]) -> None:
    """The row stays, without a transcript and with the reason; the labels are not to blame."""
    row = labelled("A-1", "p", turns=turns, evidence={"vanity": "track clicks"})
    assert row.transcript is None
    assert row.problem is not None
    assert row.problem.startswith("line 1")


def test_half_a_surrogate_pair_is_dropped_from_turns_and_refused_elsewhere() -> None:
    """No UTF-8 can hold it: words lose it as in every transcript; names and evidence can't be guessed."""
    row = labelled("A-1", "p", turns=[{"speaker": "candidate", "text": "I \ud800count clicks."}])
    assert row.transcript is not None
    assert row.transcript.turns[0].text == "I count clicks."
    with pytest.raises(LabelsError, match=r"^set\.jsonl, line 1: .*half of a surrogate pair"):
        label_set(row_of("A-\udfff", "p"))


def test_a_note_beside_the_file_says_who_labelled(tmp_path: Path) -> None:
    """``NAME.note.txt`` beside ``NAME.jsonl`` becomes one line; without it nobody said."""
    path = tmp_path / "mine.jsonl"
    path.write_bytes(label_bytes(row_of("A-1", "p")))
    assert read_labels(path, make_rubric()).note is None
    path.with_name("mine.note.txt").write_text("Two coaches,\nindependently.\n", encoding="utf-8")
    assert read_labels(path, make_rubric()).note == "Two coaches, independently."


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(LabelsError, match=r"^none\.jsonl: .*can't be read"):
        read_labels(tmp_path / "none.jsonl", make_rubric())


def test_the_head_of_a_set_remembers_the_whole() -> None:
    """The first rows alone keep the hash and the number of rows of the file."""
    labels = label_set(row_of("A-1", "p"), row_of("A-2", "p"))
    head = labels.head(1)
    assert ([row.id for row in head.rows], head.total, head.sha256) == (["A-1"], 2, labels.sha256)


@pytest.mark.parametrize(
    ("name", "count", "authors"), [("dev", 192, "ABCE"), ("more", 568, "FGHIJKLMPQRS"), ("exam", 80, "NO")]
)
def test_the_shipped_gold_sets_are_whole(name: str, count: int, authors: str) -> None:
    """Transcripts of other authors each, all readable, each labelled quote found, and said to be authored."""
    labels = read_labels(resource_dir("fixtures") / "gold" / f"{name}.jsonl", load_rubric())
    assert len(labels.rows) == count
    assert {row.author for row in labels.rows} == set(authors)
    assert [row.id for row in labels.rows if row.problem or row.lost_evidence] == []
    assert {len(row.labels) for row in labels.rows} == {19}
    assert labels.note is not None
    assert "language models" in labels.note


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing but a `LabelsError` comes out of noise."""
    with pytest.raises(LabelsError):
        parse_labels(content, make_rubric())
