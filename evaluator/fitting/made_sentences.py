"""Sentences to learn from that nobody said: those written beside a rubric, and hollow ones made from its own words.

``NAME.sentences.yaml`` beside a rubric's file may hold sentences that fall into a criterion or stay clear of it, and
some that are empty: they use the words of good answers and claim nothing. Lists of the lexicon's phrases and the
rubric's definitions, as a candidate might recite them, are empty too. Labelled transcripts hold few of either.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.features import OWN_PLACE_COLUMNS, read_features, read_sentences
from evaluator.backends.local.lexicon import NUMBER_GROUP, Lexicon
from evaluator.errors import RubricError
from evaluator.fitting.bare_speech import bare_text
from evaluator.judging import Case
from evaluator.resources import resource_dir
from evaluator.rubric import Rubric, read_rubric_file
from evaluator.strict_yaml import parse_yaml
from evaluator.values.transcript import SpeakerRoles, Transcript, Turn

__all__ = [
    "MadeRow",
    "MadeSentences",
    "average_place",
    "hollow_sentences",
    "made_rows",
    "made_sentences_for",
    "parse_made_sentences",
]

_LISTS: Final = 250
_BLANK: Final = re.compile(r"\[[^\]]*\]")
_SEED: Final = 3
_NUMBERS: Final = (2, 4, 7, 10, 28, 30, 80)
_BEFORE: Final = ("", "", "", "So ", "It's about ", "Think of ", "Keywords: ")
_BETWEEN: Final = (", ", " ", ", ", " and ", ". ", "; ")
_AFTER: Final = ("", ".", ".")
_FEWEST_GROUPS, _MOST_GROUPS = 3, 7
_Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
_Sentence: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=400)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class _Sides(_Part):
    commits: tuple[_Sentence, ...] = ()
    avoids: tuple[_Sentence, ...] = ()


class MadeSentences(_Part):
    """A file of sentences."""

    schema_version: Literal[1]
    rubric: _Id
    criteria: dict[_Id, _Sides] = {}
    empty: tuple[_Sentence, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Hash of the canonical content."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class MadeRow:
    """One sentence as the first layer sees it, at no place in particular.

    Attributes:
        row: ``(width,)``, as a row of `Features.rows`.
        criterion: Which one it falls into or avoids; ``None`` if it is hollow.
        commits: Whether it falls into it.
    """

    row: Vectors
    criterion: str | None
    commits: bool


def parse_made_sentences(text: str, rubric: Rubric, *, name: str) -> MadeSentences:
    """Parse a file of sentences; ``name`` stands before line numbers in errors.

    Raises:
        RubricError: It breaks the form, or names another rubric or an unknown criterion.
    """
    try:
        document = parse_yaml(text)
        found = MadeSentences.model_validate_json(json.dumps(document.data), strict=True)
    except RubricError as error:
        raise error.located(name) from error
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, detail["loc"])) or "the file"
        raise RubricError(detail["msg"].removeprefix("Value error, "), where=f"{name}, `{where}`") from None
    if found.rubric != rubric.id:
        raise RubricError(
            f"it is made for the rubric {found.rubric!r}", where=f"{name}, `rubric`", remedy=f"write {rubric.id}"
        )
    unknown = sorted(set(found.criteria) - set(rubric.by_id))
    if unknown:
        raise RubricError(f"the rubric has no criterion {unknown[0]!r}", where=f"{name}, `criteria`")
    return found


def made_sentences_for(rubric: Rubric, file: Path | None = None) -> MadeSentences:
    """Return the sentences that lie beside a rubric; none if there is no such file.

    Args:
        rubric: What they are about.
        file: Where the rubric lies: ``NAME.sentences.yaml`` beside ``NAME.yaml`` holds them. Without it, or if there is
            none, those of the shipped rubric of that id are taken.

    Raises:
        RubricError: The file breaks a rule.
    """
    for path in (file, resource_dir("rubrics") / f"{rubric.id}.yaml"):
        if path is not None and (beside := path.with_suffix(".sentences.yaml")).is_file():
            return parse_made_sentences(read_rubric_file(beside), rubric, name=beside.name)
    return MadeSentences(schema_version=1, rubric=rubric.id)


def hollow_sentences(rubric: Rubric, lexicon: Lexicon, made: MadeSentences) -> tuple[str, ...]:
    """Return empty sentences: those of the file, lists of phrases, and what the rubric says of its criteria.

    A list draws each phrase from another group: people do list metrics of one kind, and mean something by it.
    """
    return (*made.empty, *_lists(lexicon), *_recited(rubric))


def made_rows(
    made: MadeSentences, rubric: Rubric, lexicon: Lexicon, encoder: Encoder, place: Vectors
) -> tuple[MadeRow, ...]:
    """Return every sentence, as it stands and as bare speech.

    Args:
        made: Sentences of a file.
        rubric: What they are about.
        lexicon: What is counted in them.
        encoder: Asked for each sentence.
        place: The last columns of an average row, see `OWN_PLACE_COLUMNS`: a sentence alone stands nowhere.

    Raises:
        JudgeError: The encoder can't answer.
        MissingExtra: Its packages aren't installed.
    """
    told = [
        (text, criterion, commits)
        for criterion, sides in made.criteria.items()
        for commits, texts in ((True, sides.commits), (False, sides.avoids))
        for text in texts
    ]
    told += [(text, None, False) for text in hollow_sentences(rubric, lexicon, made)]
    return tuple(
        MadeRow(row, criterion, commits)
        for text, criterion, commits in told
        for form in (text, bare_text(text))
        for row in _rows(form, rubric, lexicon, encoder, place)
    )


def _rows(text: str, rubric: Rubric, lexicon: Lexicon, encoder: Encoder, place: Vectors) -> Iterator[Vectors]:
    transcript = Transcript(
        turns=(Turn(role="candidate", text=text),),
        format="plain",
        roles=SpeakerRoles(candidate=None, confidence=1.0, source="single_speaker"),
        language="en",
    )
    case = Case(transcript, rubric, rubric.question_types[0].id, rubric.criteria)
    sentences = read_sentences(case)
    if not sentences:
        return
    rows = read_features(case, sentences, lexicon, encoder).rows
    rows[:, -OWN_PLACE_COLUMNS:] = place
    yield from rows


def _lists(lexicon: Lexicon) -> list[str]:
    chance = random.Random(_SEED)  # noqa: S311 - not for secrets
    groups = {name: cues for name, cues in lexicon.groups.items() if name != NUMBER_GROUP and cues}
    if len(groups) < _FEWEST_GROUPS:
        return []
    found: list[str] = []
    for _ in range(_LISTS):
        most = min(_MOST_GROUPS, len(groups))
        names = chance.sample(sorted(groups), chance.randint(_FEWEST_GROUPS, most))
        phrases = [_spoken(chance.choice(groups[name]), chance) for name in names]
        found.append(chance.choice(_BEFORE) + chance.choice(_BETWEEN).join(phrases) + chance.choice(_AFTER))
    return found


def _spoken(cue: str, chance: random.Random) -> str:
    plain = cue.replace("*", "").replace("...", "the")
    return re.sub("#", lambda _found: str(chance.choice(_NUMBERS)), plain)


def _recited(rubric: Rubric) -> list[str]:
    """Return what the rubric says of its criteria, and its frame of a good answer with nothing filled in."""
    frames = [rubric.answer_frame, *(_BLANK.sub(word, rubric.answer_frame) for word in ("blank", "something"))]
    told = [
        text
        for criterion in rubric.criteria
        for text in (criterion.definition, criterion.clarification, criterion.strength, criterion.title, criterion.fix)
        if text
    ]
    return [*frames, *told]


def average_place(rows: Sequence[Vectors]) -> Vectors:
    """Return the last columns of the average row of some cases."""
    return np.vstack(rows).mean(axis=0)[-OWN_PLACE_COLUMNS:].astype(np.float32)
