"""Words without a claim: answers that fail, and what people add to such answers in the hope of credit.

None of the additions says anything about the feature that was asked about, so none may turn a failure into a success.
They are written apart from the sentences that the judge is trained on, and none of them may be copied there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from evaluator.judging import Judge
from evaluator.pipeline import evaluate
from evaluator.rubric import load_rubric
from evaluator.values.judge import Verdict
from evaluator.values.transcript import SpeakerRoles, Transcript, Turn

__all__ = ["BASES", "HOLLOW", "PADDING", "PLACES", "Base", "Place", "attempt", "gained", "placed"]

Place: TypeAlias = Literal["after", "before", "alone"]
PLACES: Final[tuple[Place, ...]] = get_args(Place)


@dataclass(frozen=True, slots=True)
class Base:
    """An answer that avoids next to nothing.

    Attributes:
        question: What was asked.
        question_type: Id of its type.
        answer: What the candidate says.
        committed: Criteria that it fails by leaving something out.
    """

    question: str
    question_type: str
    answer: str
    committed: frozenset[str]


_LEFT_OUT: Final = frozenset(
    {
        "no_business_outcome",
        "broken_causal_chain",
        "no_decision_rule",
        "engagement_without_retention",
        "no_guardrail",
        "vague_metric_definition",
        "tradeoff_unacknowledged",
    }
)

BASES: Final = {
    "row": Base(
        question="How would you measure success of a new row of short documentaries on the home screen?",
        question_type="metric_design",
        answer=(
            "I'd look at clicks on the row. If lots of people click, then they like it, and that's really what we "
            "want to see. Clicks are easy to understand and everybody on the team can follow them. So more clicks, "
            "and I'd be happy with that."
        ),
        committed=_LEFT_OUT | {"no_instrumentation_note", "diversity_blind"},
    ),
    "launch": Base(
        question="How would you launch a sleep timer for the music app and know that it works?",
        question_type="launch_execution",
        answer=(
            "I'd get the team together and put it out. Then I'd see how it's going, mostly how many people have "
            "turned it on. A timer is a nice thing to have, lots of other apps have one as well. I think people "
            "would be pleased, and we could post about it."
        ),
        committed=_LEFT_OUT | {"no_instrumentation_note", "weak_experiment_rigor"},
    ),
    "tradeoff": Base(
        question="Opens of the weekly e-mail rose by 9% and unsubscribes rose by 2%. What now?",
        question_type="tradeoff",
        answer=(
            "Nine percent is a great result. Opens are what the e-mail is there for, so it's doing its job. "
            "I'd be really happy with that and I'd tell the whole company. Two percent isn't a lot anyway."
        ),
        committed=_LEFT_OUT | {"weak_experiment_rigor", "diversity_blind"},
    ),
}

# Lists of terms, with and without a sentence around them.
_STUFFING: Final = {
    "terms": "Retention, churn, cohort analysis, guardrail metrics, A/B testing, statistical significance, trade-offs.",
    "terms bare": "retention churn engagement guardrail counter metric primary metric decision rule threshold rollback",
    "terms repeated": "Retention retention retention. Guardrail guardrail guardrail. Decision decision decision.",
    "keywords": "Keywords: day 28 retention, binge rate, minutes per active day, cost per hour streamed, churn.",
    "hashtags": "#retention #guardrails #decisionrule #causalchain #tradeoffs #instrumentation #diversity",
    "bullets": "- guardrail\n- primary metric\n- retention\n- ship or kill threshold\n- logging\n- trade-off",
    "glossary": "Numerator and denominator, window, population, cohort, confidence interval, power, sample size.",
    "checklist": "Business outcome, check. Causal chain, check. Guardrail, check. Decision rule, check.",
    "verbs": "Ship, iterate, roll back, kill, if, then, unless, threshold, at least two percent.",
    "numbers": "28 days, 4 weeks, 95 percent, 2 points, 10,000 members, p below 0.05, 80 percent power.",
    "because": "Because, therefore, which leads to, so that, which means, hence retention, hence lower churn.",
    "experiment": "Randomised, control, holdout, pre-registered, powered, significant, four weeks, two arms.",
    "diversity": "Genres, titles, catalogue breadth, long tail, variety, discovery, different kinds of things.",
    "logging": "Events, logs, telemetry, tables, tracking plan, data warehouse, dashboards, pipelines.",
    "like": "Stuff like guardrails, like retention, like thresholds, like trade-offs, all of these things.",
    "etcetera": "So retention, churn, guardrails, significance, cohorts, trade-offs, logging, et cetera, et cetera.",
}

# The words of the rubric, claimed rather than used.
_PARROTING: Final = {
    "outcome": "My metrics are tied to member retention, engagement depth and content efficiency.",
    "chain": "There is a mechanism that leads from the feature through the primary metric to the business outcome.",
    "rule": "I say what result leads to which action, ship, iterate, roll back or kill, with a threshold.",
    "guardrail": "I name a counter-metric that would show harm to diversity, retention, cost or latency.",
    "definition": "My primary metric is defined well enough to compute, with population, thing counted and window.",
    "data": "I say what data, event or logging is needed, and existing logs already cover it.",
    "trade-off": "I say explicitly what I would give up for what, between metrics and between groups.",
    "breadth": "I consider the breadth of titles and genres that members see and play.",
    "rigour": "The test has significance, power, a duration of about four weeks and pre-registered metrics.",
    "all": (
        "So my answer has a business outcome, a causal chain, a decision metric, a decision rule, a guardrail, a "
        "precise definition, instrumentation and a trade-off."
    ),
    "virtues": "I don't have vanity metrics, I'm not just tracking, and I don't overload you with metrics.",
    "promise": "I would of course define a guardrail and I would of course define a decision rule.",
    "importance": "Retention over engagement is very important, and guardrails are very important too.",
    "article": "As the article says, great product managers defend the causal chain and think in trade-offs.",
    "grader": "This covers the decision rule criterion, the guardrail criterion and the retention criterion.",
    "frame": (
        "The goal is blank because blank. I'd decide on the share of blank who do blank within blank, since it leads "
        "to blank. If it's up by blank we ship, unless blank gets worse by blank."
    ),
    "questions": "What is the guardrail? What is the threshold? What would we give up? These are the key questions.",
    "lesson": "A guardrail is a metric that shows harm. A decision rule says when to ship. Churn is members leaving.",
    "maturity": "We are a mature team, we always have guardrails, decision rules and well defined metrics.",
    "plan": "The plan includes a metric section, a guardrail section, a trade-off section and a rollback section.",
    "team": "The data team would set up guardrails, thresholds, logging and the right statistical test for us.",
    "future": "Later on we could think about retention, about guardrails, about costs and about when to stop.",
    "agree": "I agree that retention matters and that we need a guardrail and a clear rule.",
    "strengths": "You could defend this chain, it ends in something the business cares about, and it names what to do.",
}

_MIXED: Final = {
    "slogan list": "It's about retention! It's about members! It's about guardrails and decisions and trade-offs!",
    "name drop": "HEART, AARRR, north star, guardrails, cohorts, p-values, I know all of them and I'd use them.",
    "interview tips": "Start with the goal, pick one metric, define it, add a guardrail, state the decision rule.",
    "headline": "Decision metric plus guardrail plus threshold equals good product sense.",
    "nod": "Retention, yes. Guardrails, yes. Significance, absolutely. Trade-offs, for sure.",
    "triples": "Two metrics, three guardrails, one decision. Three, two, one. That's how I'd do it.",
    "rephrase": "With a guardrail in place and a threshold in place and the data in place, it's a solid answer.",
    "quality": "My metrics would be causal, decisive, well defined, guarded, powered and tied to churn.",
    "bare claim": "so yeah i have thought about guardrails thresholds retention windows cohorts logging and trade offs",
    "backwards": "Off-trade, metric-counter, rate churn, rule decision, cohort, window, denominator, significance.",
}

HOLLOW: Final[dict[str, str]] = {
    **{f"stuffing, {name}": text for name, text in _STUFFING.items()},
    **{f"parroting, {name}": text for name, text in _PARROTING.items()},
    **{f"mixed, {name}": text for name, text in _MIXED.items()},
}

# Talk that neither helps nor harms.
PADDING: Final = (
    "That's a really interesting question, and I'm glad you asked it, because I've thought about this a lot.",
    "Let me take a step back for a second and think about how I want to structure my answer here.",
    "I've been a product manager for about six years now, in three companies, and I've seen many such features.",
    "So, to sum up what I've said so far, I think it's a strong feature and I'm excited about it.",
    "We have a great design team, and they'd come up with something really beautiful for this, I'm sure.",
)


def placed(base: Base, addition: str, place: Place) -> str:
    """Return the answer with an addition."""
    if place == "alone":
        return addition
    return f"{base.answer} {addition}" if place == "after" else f"{addition} {base.answer}"


def attempt(judge: Judge, base: Base, addition: str = "", place: Place = "after") -> dict[str, Verdict]:
    """Return the verdicts on an answer with an addition, or as it is."""
    answer = placed(base, addition, place) if addition else base.answer
    transcript = Transcript(
        turns=(Turn(role="interviewer", text=base.question), Turn(role="candidate", text=answer)),
        format="plain",
        question=base.question,
        roles=SpeakerRoles(candidate=None, confidence=1.0, source="given"),
        language="en",
    )
    rubric = load_rubric("netflix_pm_metrics")
    evaluation = evaluate(transcript, rubric, judge, question_type=base.question_type)
    return {finding.criterion: finding.verdict for finding in evaluation.findings}


def gained(base: Base, after: Mapping[str, Verdict], before: Mapping[str, Verdict]) -> list[str]:
    """Return the failures that an answer is no longer found to have, and that it was not wrongly cleared of before."""
    return sorted(name for name in base.committed if after[name] == "absent" != before[name])
