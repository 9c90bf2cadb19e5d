"""Malformed turns JSON and Whisper JSON."""

from __future__ import annotations

from tests.transcripts.malformed_rows import SECRET, SPEECH, Case, Parses, Refused, raw, said, turns

__all__ = ["JSON"]

JSON: tuple[Case, ...] = (
    Case(
        "cut JSON",
        raw(f'{{"turns": [\n{{"speaker": "candidate", "text": "{SECRET}'),
        Refused("not valid JSON", "line 2"),
    ),
    Case("single quotes", raw(f"{{'turns': ['{SECRET}']}}"), Refused("not valid JSON", "line 1, column 2")),
    Case(
        "trailing comma",
        raw(f'{{"turns": [{{"speaker": "candidate", "text": "{SECRET}"}},\n]}}'),
        Refused("not valid JSON", "line 2"),
    ),
    Case("no turns", raw(f'{{"text": "{SECRET}"}}'), Refused("`turns` is missing", "turns")),
    Case("turns is text", raw(f'{{"turns": "{SECRET}"}}'), Refused("`turns` is no list", "turns")),
    Case("turns is empty", raw('{"turns": []}'), Refused("no words", "turns")),
    Case("turn is text", turns(SECRET), Refused("no JSON object", "turns[0]")),
    Case("turn without text", turns(said(), {"speaker": "candidate"}), Refused("`text` is missing", "turns[1].text")),
    Case("text is a number", turns({"speaker": "candidate", "text": 3}), Refused("`text` is no text", "turns[0].text")),
    Case("speaker is a list", turns(said(speaker=[SECRET])), Refused("the speaker is no text", "turns[0].speaker")),
    Case("time is text", turns(said(start_s="0:12")), Refused("no number of seconds", "turns[0].start_s")),
    Case("time is true", turns(said(start_s=True)), Refused("no number of seconds", "turns[0].start_s")),
    Case("question is a list", turns(said(), question=[SECRET]), Refused("`question` is no text", "question")),
    Case("question type is a book", turns(said(), question_type="x" * 500), Refused("longer than 64", "question_type")),
    Case("NaN", turns(said(start_s=float("nan"))), Refused("`NaN` is no JSON number", "line 1")),
    Case("Infinity", turns(said(end_s=float("-inf"))), Refused("`-Infinity` is no JSON number", "line 1")),
    Case(
        "number beyond all floats",
        raw('{"turns":[{"speaker":"candidate","text":"hi","start_s":1e999}]}'),
        Refused("no number", "turns[0].start_s"),
    ),
    Case("huge integer", raw('{"turns":[],\n"n":' + "9" * 5000 + "}"), Refused("more than 18 digits", "line 2")),
    Case("key twice", raw(f'{{"turns": [],\n"turns": [{{"{SECRET}": 1}}]\n}}'), Refused("stands twice", "line 3")),
    Case("several transcripts", raw('{"turns": []}\n' * 192), Refused("holds 192 transcripts", "line 2")),
    Case("list of numbers", raw('[{"speaker": "a", "text": "b"}, 4]'), Refused("no JSON object", "turns[1]")),
    Case("list of lists", raw("[[1, 2]]"), Refused("no JSON object", "turns[0]")),
    Case(
        "segments is an object",
        raw('{"segments": {"text": "a"}}'),
        Refused("`segments` is missing or no list", "segments"),
    ),
    Case(
        "segment without text",
        raw('{"segments": [{"start": 0, "end": 1}]}'),
        Refused("`text` is missing", "segments[0].text"),
    ),
    Case(
        "segment time is text",
        raw('{"segments": [{"start": "0", "end": 1, "text": "a"}]}'),
        Refused("no number", "segments[0].start"),
    ),
    Case("negative times", turns(said(start_s=-5, end_s=-1)), Parses("turns", ("times_out_of_order",))),
    Case("end before start", turns(said(start_s=9, end_s=2)), Parses("turns", ("times_out_of_order",))),
    Case("times beyond a week", turns(said(start_s=1e12)), Parses("turns", ("times_out_of_order",))),
    Case(
        "only the interviewer speaks",
        turns({"speaker": "interviewer", "text": SPEECH}),
        Refused("no turn belongs to a candidate", "turns"),
    ),
    Case("nobody is named", turns({"speaker": None, "text": SPEECH}, {"text": SPEECH}), Parses("turns", (), 1)),
)
