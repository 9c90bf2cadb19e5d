"""The one path: what is asked of a judge, what becomes of its opinions, and from where it may be called."""

from __future__ import annotations

import asyncio
import itertools
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evaluator.errors import JudgeUnavailable, OptionError, RubricError
from evaluator.judging import Case, Judgement, Opinion, Quote
from evaluator.pipeline import aevaluate, evaluate
from evaluator.rubric import Criterion
from evaluator.values.evaluation import Evaluation
from evaluator.values.finding import Finding
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag, SpeakerRoles, Transcript, Turn
from tests.fakes import RUBRIC_YAML, FakeJudge, make_evaluation, make_rubric, make_transcript, opinion


class _Outspoken(FakeJudge):
    """Says all it was built with, asked or not."""

    def __init__(self, opinions: Sequence[Opinion]) -> None:
        super().__init__()
        self._all = tuple(opinions)

    async def judge(self, case: Case) -> Judgement:
        """Return every opinion."""
        self.cases.append(case)
        return Judgement(self._all)


class _Slow(FakeJudge):
    """Never answers; remembers that it was started and that it was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.started = threading.Event()
        self.cancelled = threading.Event()

    async def judge(self, case: Case) -> Judgement:
        """Wait for ever."""
        self.cases.append(case)
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError("an event that nobody sets was set")


def _finding(evaluation: Evaluation, criterion: str) -> Finding:
    return next(finding for finding in evaluation.findings if finding.criterion == criterion)


def _steady(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation without its wall time."""
    return evaluation.model_copy(update={"usage": evaluation.usage.model_copy(update={"duration_ms": 0.0})})


# What a judge is asked ------------------------------------------------------------------------------------------------


def test_a_judge_sees_only_what_it_must_decide() -> None:
    """Criteria that don't apply, and those that counting settles, are not asked about; all stand in the findings."""
    judge = FakeJudge()
    evaluation = evaluate(make_transcript("word " * 451), make_rubric(), judge)
    assert [c.id for c in judge.cases[0].criteria] == ["vanity", "no_goal", "no_guardrail", "vague"]
    assert [f.criterion for f in evaluation.findings] == [c.id for c in make_rubric().criteria]
    assert _finding(evaluation, "misread_test").verdict == "na"
    assert _finding(evaluation, "misread_test").reason.startswith("It does not apply: ")
    assert (_finding(evaluation, "rambling").verdict, _finding(evaluation, "rambling").confidence) == ("present", 1.0)


def test_nothing_left_to_decide_asks_nobody() -> None:
    """If counting settles all that applies, the judge isn't called."""
    rubric = make_rubric()
    rubric = rubric.model_copy(update={"criteria": (rubric.criterion("rambling"),)})
    judge = FakeJudge(error=JudgeUnavailable("asked for nothing"))
    assert _finding(evaluate(make_transcript("word " * 451), rubric, judge), "rambling").verdict == "present"


@pytest.mark.parametrize(("said", "verdict"), [("present", "present"), ("absent", "absent"), ("unscored", "absent")])
def test_a_judge_may_find_more_than_a_count_within_its_limit(said: str, verdict: str) -> None:
    """Within the limit the judge's word stands; where it can't tell, the count decides."""
    evaluation = make_evaluation(None, opinion("rambling", said))
    assert _finding(evaluation, "rambling").verdict == verdict
    assert _finding(make_evaluation(), "rambling").verdict == "absent"


@pytest.mark.parametrize(
    ("question", "turns", "taken"),
    [
        ("Told?", [("interviewer", "Asked?"), ("candidate", "Yes, and at length.")], "Told?"),
        (None, [("interviewer", "Asked?"), ("candidate", "Yes, and at length.")], "Asked?"),
        (
            None,
            [("interviewer", "Hi."), ("candidate", "Hi."), ("interviewer", "Asked?"), ("candidate", "Yes, at length.")],
            "Hi. Asked?",
        ),
        (None, [("candidate", "Yes, and at length."), ("interviewer", "Why?"), ("candidate", "So.")], None),
        ("", [("other", "Hello."), ("candidate", "Yes.")], None),
    ],
)
def test_the_question_is_told_or_taken_from_the_interviewer(
    question: str | None, turns: list[tuple[str, str]], taken: str | None
) -> None:
    """Without a question of its own the transcript's is what the interviewer says before the main answer."""
    judge = FakeJudge()
    evaluation = evaluate(make_transcript(*turns, question=question), make_rubric(), judge)
    assert evaluation.question == judge.cases[0].transcript.question == taken


def test_the_question_type_is_told_inferred_or_assumed() -> None:
    """The argument beats the transcript's own, which beats inference; an assumed type raises a flag."""
    told = make_transcript(question="Here are the results of a test.").model_copy(update={"question_type": "design"})
    assert make_evaluation(told, question_type="reading").question_type.value == "reading"
    assert make_evaluation(told).question_type.value == "design"
    inferred = make_evaluation(told.model_copy(update={"question_type": None}))
    assert (inferred.question_type.value, inferred.question_type.source, inferred.flags) == ("reading", "inferred", ())
    assumed = make_evaluation(make_transcript(question="Well?"))
    assert assumed.question_type.source == "default"
    assert [flag.code for flag in assumed.flags] == ["question_type_assumed"]


# What becomes of opinions ---------------------------------------------------------------------------------------------


def test_missing_double_and_unproved_opinions_are_unscored() -> None:
    """No verdict is ever made up: silence, two answers to one question and quotes nobody said decide nothing."""
    judge = _Outspoken(
        [
            opinion("vanity", "present", "track smiles"),
            opinion("no_goal", "present"),
            opinion("no_goal", "present"),
            opinion("vague", "unscored"),
        ]
    )
    evaluation = evaluate(make_transcript(), make_rubric(), judge)
    reasons = {f.criterion: f.reason for f in evaluation.findings if f.verdict == "unscored"}
    assert reasons == {
        "vanity": "Said to be present, but its quotes are not the candidate's words.",
        "no_goal": "The judge gave no verdict, or more than one.",
        "no_guardrail": "The judge gave no verdict, or more than one.",
        "vague": "Decided by hand.",
    }
    assert all(f.confidence is None and not f.evidence for f in evaluation.findings if f.verdict == "unscored")


def test_opinions_nobody_asked_for_are_ignored() -> None:
    """A verdict on what doesn't apply, on what was counted or on an unknown criterion changes nothing."""
    transcript = make_transcript("word " * 451)
    extra = [
        opinion("misread_test", "present", "word word"),
        opinion("rambling", "absent"),
        opinion("made_up", "present"),
    ]
    plain = evaluate(transcript, make_rubric(), _Outspoken([]))
    assert evaluate(transcript, make_rubric(), _Outspoken(extra)).findings == plain.findings


def test_what_is_missing_was_due_in_the_main_answer() -> None:
    """An omission points at the longest turn; nothing else does."""
    transcript = make_transcript(
        "Hm.", ("interviewer", "Go on, please, take all the time you want."), "I track clicks."
    )
    evaluation = make_evaluation(
        transcript, opinion("no_goal", "present"), opinion("vanity", "present", "track clicks")
    )
    assert {f.criterion: f.due_turn for f in evaluation.findings if f.due_turn is not None} == {"no_goal": 2}


@pytest.mark.parametrize(
    ("verdict", "confidence"), [("na", 0.5), ("maybe", 0.5), ("present", 1.01), ("absent", float("nan"))]
)
def test_a_malformed_opinion_can_not_be_built(verdict: str, confidence: float) -> None:
    """A verdict that doesn't exist and a confidence that is no share are refused where they arise."""
    with pytest.raises(ValueError, match=r"of vanity is none of|about vanity is not between"):
        Opinion("vanity", verdict, confidence, (Quote(0, "x"),), "x")  # pyright: ignore[reportArgumentType] - on purpose


def test_a_judge_that_fails_says_nothing_about_the_candidate() -> None:
    """The judge's error reaches the caller as it is, from both entrances."""
    error = JudgeUnavailable("too many requests", remedy="try again in a minute")
    with pytest.raises(JudgeUnavailable) as caught:
        evaluate(make_transcript(), make_rubric(), FakeJudge(error=error))
    assert caught.value is error
    assert caught.value.__context__ is None
    with pytest.raises(JudgeUnavailable):
        asyncio.run(aevaluate(make_transcript(), make_rubric(), FakeJudge(error=error)))


# When a person must look first ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transcript", "codes"),
    [
        (make_transcript(("interviewer", "Hello? Is anybody there?")), ["no_candidate"]),
        (make_transcript("… — !", ("other", "Nice weather.")), ["no_candidate"]),
        (make_transcript(review_reasons=("roles_uncertain: who speaks?",)), ["roles_uncertain"]),
        (make_transcript().model_copy(update={"language": "de"}), ["language_unsupported"]),
        (
            make_transcript(("interviewer", "Hallo?"), review_reasons=("garbled: it is.",)).model_copy(
                update={"language": "de"}
            ),
            ["no_candidate", "garbled", "language_unsupported"],
        ),
    ],
)
def test_a_doubtful_transcript_is_not_judged(transcript: Transcript, codes: list[str]) -> None:
    """No candidate, doubtful roles, an unknown language: no judge is asked, and the reasons stand in order."""
    judge = FakeJudge([opinion("vanity", "absent")], languages=frozenset({"en"}))
    evaluation = evaluate(transcript, make_rubric(), judge)
    assert judge.cases == []
    assert [reason.partition(":")[0] for reason in evaluation.scorecard.review_reasons] == codes
    assert (evaluation.scorecard.band, evaluation.scorecard.score) == (None, None)
    assert {finding.verdict for finding in evaluation.findings} <= {"na", "unscored"}
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


@pytest.mark.parametrize(("spoken", "read"), [("en", {"en"}), ("und", {"en"}), ("de", None)])
def test_a_language_that_may_be_read_is_judged(spoken: str, read: set[str] | None) -> None:
    """A known language, one too short to tell, and any language for a judge without limits."""
    judge = FakeJudge(languages=frozenset(read) if read else None)
    evaluate(make_transcript().model_copy(update={"language": spoken}), make_rubric(), judge)
    assert len(judge.cases) == 1


# The same input gives the same result ---------------------------------------------------------------------------------


def test_the_same_input_has_the_same_key() -> None:
    """Two runs over equal values differ in nothing but the wall time; the id is the head of the key."""
    one, other = (evaluate(make_transcript(), make_rubric(), FakeJudge()) for _ in range(2))
    assert _steady(one) == _steady(other)
    assert one.usage.duration_ms > 0
    assert one.content_key.startswith("sha256:")
    assert one.id == f"ev_{one.content_key[7:31]}"


def test_any_change_of_what_verdicts_depend_on_changes_the_key() -> None:
    """Words, roles, times, question, type, criteria, review reasons and the judge each have their part in the key."""
    transcript = make_transcript(("interviewer", "Why?"), "Clicks.")
    rubric, timed = make_rubric(), Turn(role="candidate", text="Clicks.", start_s=1, end_s=2)
    other_rubrics = [
        make_rubric(RUBRIC_YAML.replace("Open with the goal.", "Begin with it.")),
        make_rubric(RUBRIC_YAML.replace("critical: 5", "critical: 6")),
    ]
    keys = [
        evaluate(transcript, rubric, FakeJudge()).content_key,
        evaluate(transcript, rubric, FakeJudge(method="another")).content_key,
        evaluate(transcript, rubric, FakeJudge(), question_type="reading").content_key,
        *(evaluate(transcript, other, FakeJudge()).content_key for other in other_rubrics),
        *(
            evaluate(other, rubric, FakeJudge()).content_key
            for other in (
                make_transcript(("interviewer", "Why?"), "Clicks!"),
                make_transcript(("other", "Why?"), "Clicks."),
                make_transcript("Clicks.", ("interviewer", "Why?")),
                make_transcript(("interviewer", "Why?"), "Clicks.", names={"candidate": "Ana"}),
                make_transcript(("interviewer", "Why?"), timed),
                make_transcript(("interviewer", "Why?"), "Clicks.", question="How would you measure it?"),
                make_transcript(("interviewer", "Why?"), "Clicks.", review_reasons=("garbled: it is.",)),
            )
        ),
    ]
    assert all(one != other for one, other in itertools.combinations(keys, 2))


def test_how_the_source_was_written_does_not_change_the_key() -> None:
    """The same words read from another format, with flags or surer roles, are the same input."""
    plain = make_transcript()
    other = plain.model_copy(
        update={
            "format": "vtt",
            "flags": (Flag(code="odd_times", message="Times overlap."),),
            "roles": SpeakerRoles(candidate=None, confidence=0.9, source="inferred"),
        }
    )
    one, two = (evaluate(transcript, make_rubric(), FakeJudge()) for transcript in (plain, other))
    assert one.content_key == two.content_key
    assert [flag.code for flag in two.flags] == ["odd_times"]


# From where it may be called ------------------------------------------------------------------------------------------


async def test_it_works_inside_a_running_loop() -> None:
    """The blocking entrance gives the same result inside an event loop, and passes errors on."""
    judge = FakeJudge([opinion("no_goal", "present")])
    blocking = evaluate(make_transcript(), make_rubric(), judge)
    assert _steady(blocking) == _steady(await aevaluate(make_transcript(), make_rubric(), judge))
    with pytest.raises(JudgeUnavailable):
        evaluate(make_transcript(), make_rubric(), FakeJudge(error=JudgeUnavailable("overloaded")))


def test_sixteen_threads_may_share_a_judge() -> None:
    """Sixteen threads over two inputs at once give the two results that one thread gives."""
    judge = FakeJudge([opinion("no_goal", "present"), opinion("vanity", "present", "track clicks", turn=0)])
    inputs = [make_transcript(), make_transcript("I count taps.", question=None)]
    rubric = make_rubric()
    alone = [_steady(evaluate(transcript, rubric, judge)) for transcript in inputs]
    barrier = threading.Barrier(16)

    def run(number: int) -> Evaluation:
        barrier.wait(timeout=30)
        return _steady(evaluate(inputs[number % 2], rubric, judge))

    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(run, range(16)))
    assert together == alone * 8


async def test_a_cancelled_evaluation_stops_its_judge() -> None:
    """Cancelling the task cancels the judge's wait."""
    judge = _Slow()
    task = asyncio.create_task(aevaluate(make_transcript(), make_rubric(), judge))
    assert await asyncio.to_thread(judge.started.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert judge.cancelled.is_set()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system can't signal one thread")
async def test_an_interrupt_inside_a_running_loop_stops_the_judge() -> None:
    """Ctrl-C while a notebook waits cancels the judge and reaches the caller."""
    judge, main = _Slow(), threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        judge.started.wait(timeout=30)
        signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            evaluate(make_transcript(), make_rubric(), judge)
    finally:
        signal.signal(signal.SIGINT, before)
    assert judge.cancelled.wait(timeout=30)


# What it is called with -----------------------------------------------------------------------------------------------


def test_rubrics_and_judges_may_be_named(tmp_path: Path) -> None:
    """A rubric may be a value, an id, a path or a path's text; names that don't exist are refused with what does."""
    path = tmp_path / "small.yaml"
    path.write_text(RUBRIC_YAML, encoding="utf-8")
    keys = {evaluate(make_transcript(), rubric, FakeJudge()).content_key for rubric in (make_rubric(), path, str(path))}
    assert len(keys) == 1
    assert evaluate(make_transcript(), judge=FakeJudge()).rubric.id == "netflix_pm_metrics"
    with pytest.raises(RubricError, match="no rubric is called 'none'"):
        evaluate(make_transcript(), "none", FakeJudge())
    with pytest.raises(OptionError, match="no backend is called 'oracle'"):
        evaluate(make_transcript(), make_rubric(), "oracle")


def test_who_judged_is_told_as_the_judge_tells_it() -> None:
    """Judge, rubric and version stand in the result; a judge's flags follow the transcript's."""
    flag = Flag(code="judged_twice", message="It was asked again.")
    evaluation = evaluate(
        make_transcript(flags=(Flag(code="odd_times", message="x"),)), make_rubric(), FakeJudge(flags=(flag,))
    )
    assert evaluation.judge == JudgeInfo(backend="fake", method="by_hand", model="opinions on small")
    assert (evaluation.rubric.id, evaluation.rubric.version) == ("small", "1.2.0")
    assert [flag.code for flag in evaluation.flags] == ["odd_times", "judged_twice"]


def test_a_criterion_shows_the_rubrics_words() -> None:
    """Each finding carries title, fix, drill and source of its criterion."""
    criterion: Criterion = make_rubric().criterion("vanity")
    finding = _finding(make_evaluation(), "vanity")
    shown = (finding.title, finding.fix, finding.drill, finding.source, finding.why_it_matters)
    assert shown == (criterion.title, criterion.fix, criterion.drill, criterion.source, criterion.why_it_matters)
