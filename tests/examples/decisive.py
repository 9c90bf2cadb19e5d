"""A backend that decides every criterion of any rubric: each failure is avoided, proved by the candidate's first words.

Run as a program with ``serve``, the service with this backend; imported, a row that a test can put into the table.
"""

from __future__ import annotations

from evaluator.backends import BACKENDS, Backend, JudgeOptions
from evaluator.cli.main import main
from evaluator.judging import Case, Judge, Judgement, Opinion, Quote
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo

__all__ = ["ROW", "build_judge"]

ROW = Backend(title="every failure avoided", module="tests.examples.decisive", needs="nothing")
_QUOTED_CHARS = 30
_FEW_WORDS = 3


class _Decisive:
    """Finds every failure avoided; in an answer of few words it can't tell."""

    languages = None

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Say what it is."""
        del rubric
        return JudgeInfo(backend="decisive", method="by_hand", model="none")

    async def judge(self, case: Case) -> Judgement:
        """Quote the begin of the first turn of the candidate."""
        number, turn = next((n, turn) for n, turn in enumerate(case.transcript.turns) if turn.role == "candidate")
        if len(turn.text.split()) <= _FEW_WORDS:
            return Judgement(())
        quote = Quote(number, turn.text[:_QUOTED_CHARS].rsplit(" ", 1)[0])
        return Judgement(tuple(Opinion(c.id, "absent", 0.9, (quote,), "It was named.") for c in case.criteria))


def build_judge(options: JudgeOptions) -> Judge:
    """Return the judge, whatever the options."""
    del options
    return _Decisive()


if __name__ == "__main__":
    BACKENDS["decisive"] = ROW
    main()
