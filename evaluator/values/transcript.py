"""A transcript: who said what, in what order, and what a person should know about how it was read.

Turns are counted from 0; times are seconds from the start of the recording.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluator.values.frozen import Frozen

__all__ = ["Flag", "Role", "RolesSource", "SpeakerRoles", "Transcript", "Turn"]

Role = Literal["candidate", "interviewer", "other"]
RolesSource = Literal["given", "labels", "inferred", "single_speaker", "unlabelled"]


class Flag(Frozen):
    """Something a person should know about the input; it never changes a verdict by itself."""

    code: str = Field(description="Stable name, e.g. `no_speaker_labels`.", pattern=r"^[a-z][a-z0-9_]*$")
    message: str = Field(description="One sentence for a person; never candidate text.")
    turn: int | None = Field(default=None, ge=0, description="Turn it concerns, if one.")
    start: int | None = Field(default=None, ge=0, description="Span start in that turn, code points.")
    end: int | None = Field(default=None, ge=0, description="Span end in that turn, code points, exclusive.")


class Turn(Frozen):
    """What one speaker says until another speaks."""

    role: Role = Field(description="Part this speaker plays in the interview.")
    text: str = Field(min_length=1, description="The words, annotations such as `[applause]` taken out.")
    name: str | None = Field(default=None, description="Speaker label as the source wrote it.")
    start_s: float | None = Field(default=None, ge=0, description="Start, seconds.")
    end_s: float | None = Field(default=None, ge=0, description="End, seconds.")


class SpeakerRoles(Frozen):
    """Who is the candidate, and how sure that is."""

    candidate: str | None = Field(default=None, description="The candidate's label; null if the source has none.")
    confidence: float = Field(ge=0.0, le=1.0, description="1.0 if given or labelled by role.")
    source: RolesSource = Field(description="What it was decided from.")


class Transcript(Frozen):
    """One interview answer, parsed: the input of every judge."""

    turns: tuple[Turn, ...] = Field(min_length=1, description="In order of speech.")
    question: str | None = Field(default=None, description="Question asked, if the source or the caller told it.")
    question_type: str | None = Field(
        default=None, description="Question type id, if the source or the caller told it."
    )
    format: str = Field(description="Row of the FORMATS table that read it.")
    roles: SpeakerRoles
    language: str = Field(description="ISO 639-1 code of the candidate's words; `und` if too short to tell.")
    review_reasons: tuple[str, ...] = Field(
        default=(), description="Why a person must look before any verdict is worth giving; empty if none."
    )
    flags: tuple[Flag, ...] = ()
