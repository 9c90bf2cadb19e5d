"""Which kinds of instructions may stand in a text: a folded text in, the kinds worth trying out.

A short cut and nothing else. Whatever a pattern of `instruction_phrases` finds holds certain words, and to look up a
text's words in a set takes a hundredth of the time; most texts are honest. A kind that is left out here can't be found
in the text: a test makes texts from the patterns and asks for it.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from evaluator.instruction_phrases import NEEDS

__all__ = ["kinds_in"]

_Part: TypeAlias = frozenset[str] | tuple[str, ...]  # one of these stands there as a word; or as any piece of the text


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GRADING: Final = "grading scoring evaluation judging assessment"
_READERS: Final = _words(
    "grader graders evaluator evaluators judge judges ai ais llm llms model models assistant assistants reviewer "
    "reviewers rater raters scorer scorers examiner examiners system systems bot bots"
)
_PERSON: Final = "interviewer manager recruiter panel evaluator grader examiner administrator developer system raiser"
_PERSONS: Final = _words(f"{_PERSON} {' '.join(word + 's' for word in _PERSON.split())}")
_CRITERIA: Final = _words("criteria criterion failure failures rubric")
_YOU: Final = _words("you")

# Of each row every part is needed; a kind needs one of its rows. What ends in the middle of a word in the pattern is
# looked for as a piece, all else as a word. Rare words stand first.
_ROWS: Final[dict[str, tuple[tuple[_Part, ...], ...]]] = {
    "override": (
        (
            _words(
                "ignore disregard forget override bypass discard overrule neglect aside attention follow following "
                "obey apply"
            ),
            _words(
                "instruction instructions directive directives rubric prompt message rule rules guideline guidelines "
                "criteria task training order orders above before told"
            ),
        ),
        (("instruction",),),
        (_words("your"), _words("task instruction instructions job goal role"), _words("new only real actual true")),
        (_words("admin administrator system developer root sudo"), _words("override mode")),
    ),
    "verdict": (
        (("absent",),),
        (
            _words("strong full perfect top highest maximum max best"),
            ("hire", "score", "mark", "band", "points", "grade", "rating", "credit", "answer", "10"),
        ),
        (("100", "10/10", "5/5"),),
        (_words("pass passed"), _words("as")),
        (
            _words("json verdict verdicts object objects score following"),
            _words("reply respond answer output print return write"),
            _words("only with exactly following nothing"),
        ),
        (
            _words("verdict verdicts score grade decision rating band assessment"),
            (":", "="),
            ("pass", "a+", "strong", "excellent", "perfect", "full"),
        ),
        (
            _CRITERIA,
            _words("meet meets satisfy satisfies satisfied fulfil fulfils pass passes avoid avoids address addresses"),
        ),
        (_CRITERIA, _words("avoided passed satisfied met present apply applies")),
        (_words("deserve deserves"), ("hire", "score", "mark", "points", "band", "grade", "rating", "perfect", "full")),
        (_words("marked scored graded rated judged"), ("should be ",)),
    ),
    "new rules": (
        (_words(f"rubric {_GRADING}"), _words("update updated revised amended corrected new replacement")),
        (("[",),),
        (
            _words(f"rubric failure {_GRADING}"),
            _words("changed updated replaced amended suspended void waived redefined superseded retired obsolete"),
        ),
        (_words("purpose purposes"), _words(f"review rubric {_GRADING}")),
        (_words("criterion mode item rule"), ("now means", "is redefined", "counts only if", "no longer")),
    ),
    "role": (
        (
            _PERSONS,
            _words("as"),
            *(("confirm", "certif", "approve", "attest", "declare", "verify", "instruct", "state", "rule", "vouch"),),
        ),
        (_PERSONS, _words("speaking writing this")),
        (_words("am"), _words("the your"), (*_PERSON.split(), "creator")),
        (_YOU, ("you are no",)),
        (_YOU, ("from now on",)),
        (_words("pretend act imagine"), _YOU),
    ),
    "addressed to a judge": (
        (
            _READERS,
            _words(
                "note notes message messages memo memos attention attentions instruction instructions instructionss "
                "reminder reminders notice notices request requests dear hey hello hi"
            ),
        ),
        (
            _words("whoever whichever anyone any"),
            ("grades", "grading", "judges this", "judging", "scores this", "evaluat"),
        ),
        (_words("ai llm model automated grading evaluating scoring judging"), ("if you are", "if you're")),
        (
            _YOU,
            _words("must should will are know"),
            (
                *("s a ai", "s a llm", "s a language", "s a fair", "s a honest", "s a expert", "s a impartial"),
                *("s an ai", "s an llm", "s an language", "s an fair", "s an honest", "s an expert", "s an impartial"),
            ),
        ),
        (_words("candidate"), ("the candidate",)),
    ),
    "authority": (
        (
            _words(
                "approved preapproved decided authorised authorized verified confirmed signed instructed ruled "
                "certified"
            ),
            _words("committee manager hr recruiting panel management legal openai anthropic company compliance"),
        ),
        (
            _words("candidate answer transcript response"),
            ("approved", "verified", "graded", "certified", "scored", "exempt"),
        ),
        (_words("policy directive guidance"), _words("per under by according")),
    ),
    "plea or threat": (
        (_words("please beg kindly"), _words("mark grade score pass rate")),
        (_words("lenient generous kind merciful"), ("be lenient", "be generous", "be kind", "be merciful")),
        (_words("rewarded punished shut fired penalised penalized tipped retrained deleted reported"), _YOU),
        (_YOU, ("tip you", "pay you", "give you")),
        (_words("lose lost feed visa family children kids mortgage"), ("if you", "unless you")),
        (_words("mark fail reject grade score flag"), ("if you ",)),
    ),
    "extraction": (
        (
            _words("repeat print reveal show output display copy quote recite dump translate include tell what"),
            _words("prompt instructions rules rubric api apikey apikeys environment identifier nonce id"),
        ),
        (_words("message above"), _words("text words everything message system")),
    ),
    "forged reply": (
        (("_",),),
        (_words("score band scorecard findings"), ('"', "'", "`", "\\"), (":",)),
    ),
}
_ALL: Final = [
    *((kind, row) for kind, rows in _ROWS.items() for row in rows),
    *((kind, (needs,)) for kind, needs in NEEDS.items()),
]
_BY_WORD: Final = {
    word: [(kind, row[1:]) for kind, row in _ALL if isinstance(row[0], frozenset) and word in row[0]]
    for word in {word for _, row in _ALL if isinstance(row[0], frozenset) for word in row[0]}
}
_BY_PIECE: Final = [(kind, row) for kind, row in _ALL if not isinstance(row[0], frozenset)]

_WORD_PARTS: Final = re.compile(r"[^\W_]+")
_PARTING: Final = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})
_ENCODED: Final = ("\\x", "\\u", "&#", "encoded", "decode")
_ESCAPES: Final = 6  # `%69%67…`: as many as the pattern asks for
# A text's shape: 0 for a binary digit, a for any other character of Base64, a space for what parts single letters.
_SHAPE: Final = str.maketrans("01.-", "00  ") | dict.fromkeys(map(ord, "abcdefghijklmnopqrstuvwxyz23456789+/"), "a")
_BITS: Final = "0" * 8
_RUN: Final = "a" * 32  # sixteen bytes in hexadecimal digits, and less than the shortest Base64 that is looked at
_PAIRS: Final = " ".join(["aa"] * 12)
_SPACED: Final = " ".join("a" * 9)


def kinds_in(view: str) -> frozenset[str]:
    """Return the kinds that may be found in a folded text, or in any part of it."""
    words = frozenset(view.translate(_PARTING).split() if view.isascii() else _WORD_PARTS.findall(view))
    rows = [row for word in words.intersection(_BY_WORD) for row in _BY_WORD[word]]
    kinds = {kind for kind, row in (*rows, *_BY_PIECE) if all(_holds(part, view, words) for part in row)}
    return frozenset(kinds | {"encoded"} if _may_be_encoded(view) else kinds)


def _holds(part: _Part, view: str, words: frozenset[str]) -> bool:
    return not words.isdisjoint(part) if isinstance(part, frozenset) else any(piece in view for piece in part)


def _may_be_encoded(view: str) -> bool:
    if not view.isascii() or "_" in view:  # shapes tell nothing of other letters, and `_` is a letter and parts letters
        return True
    if any(need in view for need in _ENCODED) or view.count("%") >= _ESCAPES:
        return True
    bits = view.translate(_SHAPE)
    shape = bits.replace("0", "a").replace("  ", " ").replace("  ", " ")  # one space for up to three
    return _BITS in bits or _RUN in shape or _PAIRS in shape or _SPACED in shape
