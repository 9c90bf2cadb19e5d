"""Who is the candidate: labels, inference, and when a person should look first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluator.errors import TranscriptError
from evaluator.transcripts import parse_transcript, parse_turns_row
from evaluator.transcripts.roles import Said, decide_roles, role_of
from evaluator.values.transcript import Transcript

_GOLD = Path(__file__).parents[2] / "fixtures" / "gold" / "dev.jsonl"
_ANSWER = (
    "I'd take the share of members who come back in the fourth week, because somebody who comes back has found "
    "something worth paying for, and I'd stop if the number of titles they play goes down."
)


def _gold() -> list[dict[str, Any]]:
    return [json.loads(line) for line in _GOLD.read_text(encoding="utf-8").splitlines()]


def _unlabelled(row: dict[str, Any], *, spoken: bool) -> str:
    """Return a row with names for roles, and as speech recognition would write it if ``spoken``."""
    names = {"interviewer": "Anna", "candidate": "Ben"}
    turns = [{"speaker": names[turn["speaker"]], "text": turn["text"]} for turn in row["turns"]]
    if turns[0]["speaker"] != "Anna":
        turns.insert(0, {"speaker": "Anna", "text": row["question"]})
    if spoken:
        for turn in turns:
            turn["text"] = re.sub(r"[.,?!;:]", "", turn["text"].lower())
    return json.dumps({"turns": turns})


def _roles(transcript: Transcript) -> dict[str | None, str]:
    return {turn.name: turn.role for turn in transcript.turns}


def _codes(transcript: Transcript) -> set[str]:
    return {reason.split(":")[0] for reason in transcript.review_reasons}


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Interviewer", "interviewer"),
        ("INTERVIEWER 2", "interviewer"),
        ("Hiring Manager", "interviewer"),
        ("hiring_manager", "interviewer"),
        ("Q", "interviewer"),
        ("Recruiter:", "interviewer"),
        ("Candidate", "candidate"),
        ("candidate_1", "candidate"),
        ("Anna Lee (Candidate)", "candidate"),
        ("Interviewee", "candidate"),
        ("Me", "candidate"),
        ("Observer", "other"),
        ("Anna", None),
        ("Speaker 1", None),
        ("SPEAKER_00", None),
        ("A", None),
    ],
)
def test_role_words_name_roles_and_names_do_not(label: str, role: str | None) -> None:
    """A word for a role is understood in any case, numbered or in brackets; a name stays a name."""
    assert role_of(label) == role


def test_labelled_transcripts_never_ask_for_a_person() -> None:
    """None of the labelled transcripts, roles given, gets a reason to look, a flag, or another language."""
    for row in _gold():
        transcript = parse_turns_row(row, row["id"])
        assert (transcript.review_reasons, transcript.flags, transcript.language) == ((), (), "en"), row["id"]
        assert [turn.text for turn in transcript.turns] == [turn["text"] for turn in row["turns"]], row["id"]


@pytest.mark.parametrize("spoken", [False, True], ids=["written", "without marks and capitals"])
def test_candidate_is_found_behind_neutral_names(*, spoken: bool) -> None:
    """With roles replaced by names, the candidate of at least 98 % of the labelled transcripts is found, and surely."""
    rows = _gold()
    found = [parse_transcript(_unlabelled(row, spoken=spoken)) for row in rows]
    right = [transcript.roles.candidate == "Ben" and not transcript.review_reasons for transcript in found]
    assert sum(right) >= 0.98 * len(rows)


@pytest.mark.parametrize("pair", [("Speaker 1", "Speaker 2"), ("SPEAKER_00", "SPEAKER_01"), ("A", "B")])
def test_numbered_speakers_are_told_apart_by_who_asks(pair: tuple[str, str]) -> None:
    """Labels without meaning leave it to speech, also when the candidate speaks first."""
    asker, answerer = pair
    transcript = parse_transcript(f"{answerer}: {_ANSWER}\n{asker}: Why that one?\n{answerer}: {_ANSWER}")
    assert _roles(transcript) == {answerer: "candidate", asker: "interviewer"}
    assert transcript.roles.source == "inferred"


def test_a_is_the_candidate_beside_q() -> None:
    """Q and A are roles together; A alone is a name."""
    assert _roles(parse_transcript(f"Q: Why?\nA: {_ANSWER}")) == {"Q": "interviewer", "A": "candidate"}


def test_third_speakers_are_interviewers_if_they_ask() -> None:
    """On a panel whoever asks is an interviewer; whoever only sits there plays no part."""
    transcript = parse_transcript(
        f"Anna: How would you measure it?\nBen: {_ANSWER}\nCleo: What could it break?\nBen: {_ANSWER}\n"
        "Dora: I switch the recording off now.\nCleo: And then?\nDora: Done."
    )
    assert _roles(transcript) == {"Anna": "interviewer", "Ben": "candidate", "Cleo": "interviewer", "Dora": "other"}


def test_one_role_label_gives_the_other() -> None:
    """A labelled interviewer makes the other speaker the candidate, and the other way round."""
    assert _roles(parse_transcript(f"Interviewer: Why?\nBen: {_ANSWER}"))["Ben"] == "candidate"
    assert _roles(parse_transcript(f"Anna: Tell me more.\nCandidate: {_ANSWER}"))["Anna"] == "interviewer"


def test_single_speaker_is_the_candidate() -> None:
    """One label alone is the candidate's, and the transcript says what that was decided from."""
    transcript = parse_transcript(f"Anna Lee: {_ANSWER}\nAnna Lee: {_ANSWER}")
    assert (transcript.roles.candidate, transcript.roles.source) == ("Anna Lee", "single_speaker")


def test_swapped_labels_ask_for_a_person_unless_told() -> None:
    """A labelled candidate who asks while the interviewer answers is doubtful; a told candidate is not."""
    text = f"Candidate: How would you do it?\nInterviewer: {_ANSWER} {_ANSWER}\nCandidate: Why?\nInterviewer: {_ANSWER}"
    assert _codes(parse_transcript(text)) == {"roles_look_swapped"}
    assert _codes(parse_transcript(text, candidate="Interviewer")) == set()


def test_speakers_who_cannot_be_told_apart_need_a_person() -> None:
    """Whoever opens, asks nothing and says somewhat more may be either; the transcript says so."""
    transcript = parse_transcript(
        "Anna: We keep the members in the north, and then we look at how the south does with the new plan as well.\n"
        "Ben: We keep the members here.\nAnna: Yes.\nBen: Yes."
    )
    assert transcript.roles.confidence < 0.6
    assert _codes(transcript) == {"roles_uncertain"}


def test_answers_that_only_ask_need_a_person() -> None:
    """Only questions attributed to the candidate point to swapped or lost turns."""
    assert _codes(parse_transcript("Candidate: What is it for? Who would use it?")) == {"candidate_only_asks"}


def test_nobody_but_interviewers_is_an_error() -> None:
    """Without a candidate there is nothing to judge; the error lists the labels and tells the way out."""
    with pytest.raises(TranscriptError, match=r"labels found: 'Host', 'Interviewer'"):
        parse_transcript("Host: Welcome.\nInterviewer: Why?\nHost: Bye.\nInterviewer: Bye.")


def test_speakers_cost_no_reading_of_the_whole_talk_each() -> None:
    """However many speakers a source names, all its turns are gone through as often as for two."""

    class Counted(list[Said]):
        read = 0

        def __iter__(self) -> Iterator[Said]:
            self.read += 1
            return super().__iter__()

    few, many = (Counted(Said(f"Person {n % speakers}", "We keep them.") for n in range(40)) for speakers in (2, 40))
    decide_roles(few, None)
    decide_roles(many, None)
    assert many.read == few.read


def test_times_beyond_any_number_are_refused() -> None:
    """A row that another reader took a number of 400 digits from is refused by its place, like any other bad time."""
    with pytest.raises(TranscriptError, match=r"turns\[0\]\.start_s: this is no number of seconds"):
        parse_turns_row({"turns": [{"speaker": "candidate", "text": "We keep them.", "start_s": 10**400}]}, "row 1")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (f"Interviewer: Why that?\nCandidate: {_ANSWER}\nInterviewer: And then?", "Why that?"),
        (
            f"Interviewer: Hi!\nCandidate: Hello to you.\nInterviewer: Why that?\nCandidate: {_ANSWER}",
            "Why that?",
        ),
        (f"Candidate: {_ANSWER}\nInterviewer: Why that?", None),
        (f"Candidate: {_ANSWER}", None),
        ("Interviewer: Why that?\nCandidate: Because.", "Why that?"),
    ],
)
def test_question_is_what_was_asked_before_the_answer(text: str, question: str | None) -> None:
    """Greetings are passed over; what is asked later is no question of the whole answer."""
    assert parse_transcript(text).question == question


def test_long_question_is_cut() -> None:
    """A question is a thousand characters at most, cut between words."""
    question = parse_transcript(f"Candidate: {_ANSWER}", question="why " * 1000).question
    assert question is not None
    assert len(question) <= 1000
    assert question.endswith("why…")
