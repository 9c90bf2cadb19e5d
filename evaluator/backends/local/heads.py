"""The trained heads: `Features` in, a margin and the sentences behind it for each criterion out. Plain arithmetic.

Two layers, both linear. The first looks at sentences: for each criterion, does this one commit the failure, does it
avoid it, is it the one that decides, and which way does the deciding one point. The second looks at the answer: the
strongest sentences of the first layer, with counts over the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluator.backends.local.counting import Floats
from evaluator.backends.local.features import REPLY_COMPARISONS, Features

__all__ = [
    "HOLLOW_FROM",
    "SCORE_SCALES",
    "CriterionForm",
    "DocumentHead",
    "SentenceHeads",
    "SentenceScores",
    "document_width",
    "find_hollow",
    "score_sentences",
]

SCORE_SCALES: Final = {"own": 0.5, "others": 0.04, "decisive": 0.5, "over": 3.0}
HOLLOW_FROM: Final = -0.5  # logit; fewer than 1 in 50 sentences of labelled answers lie above it
_STRONGEST: Final = 3
_OWN_COLUMNS: Final = 8
_REPLY_COLUMNS: Final = 5
_LENGTH_COLUMNS: Final = 2
_ONE_THREADS_WORK: Final = 260_000  # multiplications; OpenBLAS starts threads from 262,144
_MOST_OVER: Final = 3.0  # times the limit; longer says no more


@dataclass(frozen=True, slots=True)
class CriterionForm:
    """What of a criterion decides the shape of its heads.

    Attributes:
        id: Its id.
        answers_follow_up: It applies only where the interviewer follows up, so later turns are looked at by themselves.
        word_limit: Limit in words of a measured criterion; ``None`` for the others.
    """

    id: str
    answers_follow_up: bool
    word_limit: float | None


@dataclass(frozen=True, slots=True, eq=False)
class SentenceHeads:
    """The first layer, for ``m`` criteria; the last row of each array holds intercepts.

    Attributes:
        forms: The criteria; ``m``.
        sentences: ``(width + 1, 3 m + 1)``: commits, avoids, decides; one column for words that claim nothing.
        polarity: ``(width + 1, m)``: whether a deciding sentence commits.
        replies: ``(2 d + 1, f)``: for each criterion that answers a follow-up, in order, whether the replies commit.
    """

    forms: tuple[CriterionForm, ...]
    sentences: Floats
    polarity: Floats
    replies: Floats


@dataclass(frozen=True, slots=True, eq=False)
class DocumentHead:
    """The second layer for one criterion: ``weights`` has a number for each column, then the intercept."""

    weights: Floats

    def margin(self, row: Floats) -> float:
        """Return the margin: above 0 speaks for present, its size for how clearly."""
        return float(row.dot(self.weights[:-1]) + self.weights[-1])


@dataclass(frozen=True, slots=True, eq=False)
class SentenceScores:
    """What the first layer says of one case with ``n`` sentences.

    Attributes:
        forms: The criteria; ``m``.
        commits: ``(n, m)``, logits.
        avoids: ``(n, m)``, logits.
        decides: ``(n, m)``, logits.
        replies: ``(f,)``, logits.
        strongest: ``(2, 3, m)``: of commits and of avoids the highest, the second, and the mean of the highest three.
        own: ``(m, 8)``, what the second layer sees of each criterion: its strongest, which way its deciding sentences
            point on average, and how clearly one decides.
        shared: What it sees whatever the criterion: the highest of all, and counts over the answer.
    """

    forms: tuple[CriterionForm, ...]
    commits: Floats
    avoids: Floats
    decides: Floats
    replies: Floats
    strongest: Floats
    own: Floats
    shared: Floats

    def document_row(self, place: int, features: Features) -> tuple[Floats, int]:
        """Return the second layer's columns for criterion number ``place``, and how many of them are its own."""
        form, parts = self.forms[place], [self.own[place]]
        if form.answers_follow_up:
            parts.append(self._reply_columns(place, features))
        if form.word_limit is not None:
            over = SCORE_SCALES["over"] * (form.id in features.over_limit)
            parts.append(np.array([min(_MOST_OVER, features.longest_words / form.word_limit), over]))
        count = sum(map(len, parts))
        if form.answers_follow_up:
            count += REPLY_COMPARISONS
            parts.append(features.replies)
        return np.concatenate([*parts, self.shared]), count

    def evidence(self, place: int, *, present: bool) -> tuple[list[int], list[float]]:
        """Return the places of all sentences, best first, and how clearly each shows a verdict, as a logit."""
        shown = (self.commits if present else self.avoids)[:, place]
        return np.argsort(-(shown + self.decides[:, place]), kind="stable").tolist(), shown.tolist()

    def _reply_columns(self, place: int, features: Features) -> Floats:
        later = features.later if len(features.later) else np.arange(len(features.sentences))
        commits, avoids = self.commits[later, place], self.avoids[later, place]
        number = sum(form.answers_follow_up for form in self.forms[:place])
        ends = np.array([commits.max(), avoids.max(), commits[-1], avoids[-1]]) * SCORE_SCALES["own"]
        return np.concatenate([[self.replies[number]], ends])


def document_width(form: CriterionForm, features: Features, criteria: int) -> int:
    """Return how many columns `SentenceScores.document_row` has for a criterion, of so many in all."""
    width = _OWN_COLUMNS + 2 * criteria + len(features.document)
    if form.answers_follow_up:
        width += _REPLY_COLUMNS + len(features.replies)
    return width + (_LENGTH_COLUMNS if form.word_limit is not None else 0)


def find_hollow(features: Features, heads: SentenceHeads) -> NDArray[np.bool_]:
    """Return for each sentence whether it only uses the words of good answers: a list, or talk about the answer."""
    return _apply(features.rows.astype(np.float64), heads.sentences[:, -1:])[:, 0] > HOLLOW_FROM


def score_sentences(features: Features, heads: SentenceHeads) -> SentenceScores:
    """Apply the first layer."""
    m = len(heads.forms)
    rows = features.rows.astype(np.float64)
    logits, points = _apply(rows, heads.sentences[:, :-1]), _apply(rows, heads.polarity)
    commits, avoids, decides = logits[:, :m], logits[:, m : 2 * m], logits[:, 2 * m :]
    strongest = _strongest(logits[:, : 2 * m]).reshape(-1, 2, m).swapaxes(0, 1)
    own = [
        *(strongest.reshape(-1, m) * SCORE_SCALES["own"]),
        (_softmax(decides) * points).sum(axis=0) * SCORE_SCALES["decisive"],
        decides.max(axis=0) * SCORE_SCALES["decisive"],
    ]
    shared = [
        strongest[:, 0].ravel() * SCORE_SCALES["others"],
        features.document,
    ]
    return SentenceScores(
        forms=heads.forms,
        commits=commits,
        avoids=avoids,
        decides=decides,
        replies=_apply(features.reply_vectors, heads.replies),
        strongest=strongest,
        own=np.column_stack(own),
        shared=np.concatenate(shared),
    )


def _apply(rows: Floats, weights: Floats) -> Floats:
    """Return ``rows @ weights[:-1] + weights[-1]``, in pieces so small that no library starts threads for them.

    Threads that wait for each other, beside an encoder that keeps all cores busy, take more than twice as long as the
    whole rest of judging. A single row is no piece: it would be computed in another way, with threads again.
    """
    factors, intercepts = weights[:-1], weights[-1]
    pieces = -(-rows.size * weights.shape[1] // _ONE_THREADS_WORK)
    if rows.ndim == 1 or pieces <= 1:
        return rows @ factors + intercepts
    applied = np.empty((len(rows), weights.shape[1]))
    size, larger = divmod(len(rows), pieces)
    start = 0
    for piece in range(min(pieces, len(rows))):
        stop = start + size + (piece < larger)
        np.matmul(rows[start:stop], factors, out=applied[start:stop])
        start = stop
    applied += intercepts
    return applied


def _softmax(logits: Floats) -> Floats:
    grown = np.exp(logits - logits.max(axis=0))
    return grown / grown.sum(axis=0)


def _strongest(logits: Floats) -> Floats:
    """Return the highest logit of each column, the second, and the mean of the highest three."""
    ordered = np.sort(logits, axis=0)[::-1]
    return np.stack([ordered[0], ordered[min(1, len(ordered) - 1)], ordered[:_STRONGEST].mean(axis=0)])
