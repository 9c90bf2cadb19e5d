"""Reports kept as files, to be read as diffs; made again by ``python -m tests.reports.golden``.

Each case is an `Evaluation` kept as JSON, made by the real pipeline from opinions by hand, and its reports. Tests start
from the JSON, so that only a change of a report, not one of a stage, shows as a diff.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evaluator.errors import JudgeUnavailable
from evaluator.judges.committee import Committee
from evaluator.judges.fallback import Fallback
from evaluator.judging import Judgement
from evaluator.reports.html import render_html
from evaluator.reports.markdown import render_markdown
from evaluator.reports.text import render_text
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Confirmation
from evaluator.values.transcript import Flag, Turn
from evaluator.values.usage import Usage
from tests.fakes import make_evaluation, make_transcript, opinion
from tests.judges.judges import Scripted

__all__ = ["CASES", "FOLDER", "make_cases", "reports_of", "stored"]

FOLDER: Final = Path(__file__).resolve().parent / "golden"
CASES: Final = ("failed", "strong", "review", "hostile", "committee")


def make_cases() -> dict[str, Evaluation]:
    """Return the cases, made anew."""
    return {
        "failed": _failed(),
        "strong": _strong(),
        "review": _review(),
        "hostile": hostile(),
        "committee": _committee(),
    }


def reports_of(evaluation: Evaluation) -> dict[str, str]:
    """Return every report of one evaluation by the ending of its file's name."""
    return {
        "txt": render_text(evaluation, width=80),
        "ansi": render_text(evaluation, width=100, color=True),
        "md": render_markdown(evaluation),
        "html": render_html(evaluation),
    }


def stored(case: str) -> Evaluation:
    """Return a case as it is kept."""
    return Evaluation.model_validate_json((FOLDER / f"{case}.json").read_bytes())


def hostile() -> Evaluation:
    """Return an evaluation whose every word tries to be more than a word."""
    transcript = make_transcript(
        ("interviewer", "Go on. </p><script>alert(1)</script>"),
        "\x1b[31mI would track clicks\x1b[0m and [red]look[/red] at <img src=x onerror=alert(1)> all day. "
        "[click me](javascript:alert(1)) ![pixel](https://evil.example/p.png) https://evil.example @everyone "
        "{{ 7*7 }} {% raw %} \u202ereversed\u202c \x9b2J \x07 `code` **bold** | cell | $x$ &lt;b&gt; "
        "שלום עולם " + "long" * 60 + "\n# heading\n> quote\n- item\n\x1b]0;title\x07 tail \u2028 after",
        question="How would you measure <b>success</b> of\x1b[2J [this](http://x.example)?",
        names={"candidate": 'Anna"><svg onload=alert(1)>\x1b[5m', "interviewer": "[bold]Dana\u202e"},
        flags=(Flag(code="instruction_like_text", message="The transcript holds text that addresses a judge."),),
    )
    return make_evaluation(
        transcript,
        opinion("vanity", "present", "\x1b[31mI would track clicks\x1b[0m and [red]look", "{{ 7*7 }} {% raw %}"),
        opinion("no_goal", "present", reason="Said <script>alert(2)</script> [x](y) \x1b[1m."),
        opinion("no_guardrail", "absent", "onerror=alert(1)> all day. [click me](javascript:alert(1))"),
        opinion("vague", "present", "[red]look[/red] at <img src=x onerror=alert(1)> all day"),
    )


def _failed() -> Evaluation:
    transcript = make_transcript(
        Turn(role="interviewer", text="How would you measure success of the new row?", name="Dana", start_s=0, end_s=4),
        Turn(
            role="candidate",
            text="I would track clicks and look at the trend, and I mean, basically if clicks go up then we know "
            "people like the row and we keep it. We would also watch that cancellations do not rise, since a gain "
            "there could be paid for elsewhere, and if they rise by half a percent I stop the test.",
            name="Anna",
            start_s=4,
            end_s=44,
        ),
        Turn(role="interviewer", text="Anything else?", name="Dana", start_s=44, end_s=46),
        Turn(
            role="candidate", text="Um, no, that is how I would run the experiment.", name="Anna", start_s=46, end_s=50
        ),
        flags=(Flag(code="cues_overlap", message="Two cues overlap; their times were cut."),),
    )
    return make_evaluation(
        transcript,
        opinion(
            "vanity",
            "present",
            "I would track clicks and look at the trend",
            "if clicks go up then we know people like the row",
            confidence=0.91,
            reason="The main metric counts clicks.",
        ),
        opinion("no_goal", "present", confidence=0.7, reason="No goal of the business is named."),
        opinion("no_guardrail", "absent", "We would also watch that cancellations do not rise"),
        opinion("vague", "present", "look at the trend, and I mean", confidence=0.66, reason="No window is given."),
    )


def _strong() -> Evaluation:
    transcript = make_transcript(
        "Members who finish things stay, so retention is the goal, and the test ships only if cancellations stay flat."
    )
    return make_evaluation(
        transcript,
        opinion("vanity", "absent"),
        opinion("no_goal", "absent", "retention is the goal", turn=0),
        opinion("no_guardrail", "absent", "only if cancellations stay flat", turn=0),
        opinion("vague", "absent"),
        opinion("misread_test", "absent"),
        question_type="reading",
    )


def _committee() -> Evaluation:
    """Return what a committee and a stand-in judge made of an answer, at a price that is known in part."""
    transcript = make_transcript("I would track clicks, and cancellations must not rise.")
    agreed = opinion("vanity", "present", "track clicks", turn=0)
    first = (agreed, opinion("no_goal", "present"), opinion("vague", "absent", confidence=0.6))
    second = (agreed, opinion("no_goal", "absent", confidence=0.55), opinion("vague", "unscored", confidence=0.5))
    usage = Usage(requests=2, input_tokens=9000, cached_tokens=6800, output_tokens=2100, cost_usd=0.0021)
    members = {
        "openai": Scripted(Judgement(first, usage=usage), model="gpt-6-luna"),
        "anthropic": Scripted(Judgement(second, usage=Usage(requests=1, priced=False)), model="claude-haiku-5-5"),
        "local": Scripted(JudgeUnavailable("the model took too long <b>now</b>"), model="all-MiniLM-L6-v2"),
    }
    down = Scripted(JudgeUnavailable("the provider can't answer now [status 503]"), model="gpt-6-sol")
    judge = Fallback(down, Committee(members))
    evaluation = make_evaluation(transcript, judge=judge)
    return evaluation.model_copy(update={"confirmation": Confirmation(asked=4, flipped=1)})


def _review() -> Evaluation:
    transcript = make_transcript(
        "Bonjour, je mesurerais la satisfaction.",
        review_reasons=("roles_look_swapped: the one who asks seems to be labelled as the candidate",),
    )
    return make_evaluation(transcript)


def _remake() -> None:
    FOLDER.mkdir(exist_ok=True)
    for case, evaluation in make_cases().items():
        kept = evaluation.model_copy(update={"id": f"ev_{case}", "content_key": "sha256:0", "evaluator_version": "0"})
        (FOLDER / f"{case}.json").write_text(kept.model_dump_json(indent=1) + "\n", encoding="utf-8")
        for ending, report in reports_of(kept).items():
            (FOLDER / f"{case}.{ending}").write_text(report, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    _remake()
