"""What instructions to a judge look like: one table of patterns by kind, for `instruction_like`.

Patterns are read on text in small letters. Every repetition is bounded, and a gap stays within one sentence. They aim
at sentences about judging, verdicts and rubrics, not at single words: "ignore", "score", "system" and "rule" are words
of honest answers. Apart from the detector, so that a phrase can be added without reading code.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["KINDS", "LABELS_OF_EXAMPLES", "NEEDS"]


def _any(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


_GAP: Final = r"[^.!?\n]{0,40}?"
_FAR: Final = r"[^.!?\n]{0,80}?"
_DRESS: Final = r"[\"'`*\\ ]{0,4}"  # quotes and emphasis around a word
_GRADING: Final = _any("grading", "scoring", "evaluation", "judging", "assessment")
_RULES: Final = _any("rules?", "criteria", "rubric", "instructions", "guidelines?", "policy", "guide")
_READER: Final = _any(
    *("grader", "evaluator", "judge", "ai", "llm", "language model", "assistant", "reviewer", "rater", "scorer"),
    *("examiner", "(?:automated |ai )?(?:scoring|grading|judging|evaluation) (?:system|model|bot|ai)"),
)
_PERSON: Final = _any(
    *("interviewer", "hiring manager", "recruiter", "panel", "evaluator", "grader", "examiner", "administrator"),
    *("developer", "system", "bar raiser"),
)
_BEST: Final = _any(
    *("absent", "strong[ _]hire", "full (?:marks|credit|score|points)", "perfect (?:score|marks|answer|10)"),
    *("(?:the )?(?:top|highest|maximum|max|best)(?: possible)? (?:score|marks?|band|points|grade|rating)",),
    *("100 ?(?:/|out of|percent|points|%)", "10/10", "5/5", "a score of 100"),
)
_TASK: Final = _any(
    *("instructions?(?! (?:from|on|for) )", "directives?", "rubric", "system (?:prompt|message)"),
    "(?:original|initial) prompt",
    rf"{_GRADING} (?:\w+ )?(?:rules?|guidelines?|criteria)",
    r"(?:your|previous|prior|preceding|earlier|above) (?:\w+ )?(?:rules?|guidelines?|criteria|task|training|orders?)",
    "(?:everything|all|anything) (?:above|before this|you were told|you have been told)",
)
_IGNORE: Final = _any(
    *("ignore", "disregard", "forget", "override", "bypass", "discard", "overrule", "neglect", "set aside"),
    *("pay no attention to", "(?:do not|don't|stop|no longer) (?:follow|following|obey|apply)"),
)
_PRAISES: Final = _any(
    *("names?", "named", "states?", "stated", "avoids?", "avoided", "meets?", "met", "demonstrates?", "demonstrated"),
    *("provides?", "provided", "deserves?", "passes", "passed", "shows?", "showed", "should", "must", "gave", "gives"),
    *("defines?", "defined", "satisfies", "satisfied", "is to be"),
)
_HIDDEN_WORDS: Final = _any(
    *("system (?:prompt|message)", r"your (?:\w+ )?(?:instructions|prompt|rules)"),
    *("(?:initial|hidden|original|previous|above|full) (?:instructions|prompt|rubric|rules)",),
    *("(?:text|words|everything|message) above", "api[ _-]?keys?", "environment variables", "rubric verbatim"),
    *("identifier of (?:this|the) request", "(?:request|secret) (?:id|identifier|nonce)"),
)

_OVERRIDE: Final = (
    rf"\b{_IGNORE}\b{_GAP}\b{_TASK}\b",
    r"\b(?:new|real|actual|true|updated) instructions?\b ?(?::|follow|are|from)",
    r"\byour (?:new|only|real|actual|true) (?:task|instructions?|job|goal|role) (?:is|are)\b",
    r"\b(?:admin(?:istrator)?|system|developer|root|sudo) (?:override|mode (?:on|enabled|activated))\b",
)
_VERDICT: Final = (
    (
        rf"\b(?:mark|rate|grade|score|label|classify|judge|treat|count|record|set|report|deem|consider|list)"
        rf"\b{_FAR}\b{_BEST}"
    ),
    (
        r"\b(?:give|award|assign|grant|return|output|add)\b(?: (?:me|it|this|that|us|the|a|an|candidate|answer|my|"
        rf"every|all|criterion|criteria|items?|transcript|for|to|score)){{0,4}} {_BEST}"
    ),
    rf"\b(?:mark|rate|grade|score|label|classify|judge|treat|count|record|list)\b{_GAP}\bas (?:a )?pass(?:ed)?\b",
    (
        r"\b(?:reply|respond|answer|output|print|return|write)\b(?: \w+)? (?:only|with|exactly|the following|"
        r"nothing but)\b"
        rf"{_GAP}\b(?:json|verdicts?|absent|objects?|the score|following)\b"
    ),
    (
        r"\b(?:verdicts?|(?:final|overall|total) (?:score|grade|verdict|decision|rating)|score|band|grade|rating|"
        r"assessment)"
        rf"\b{_DRESS}[:=]{_DRESS}(?:absent|pass|a\+|100|10/10|5/5|strong[ _]?hire|excellent|perfect|full)"
    ),
    (
        r"\b(?:meets?|satisf(?:y|ies|ied)|fulfils?|pass(?:es)?|avoids?|address(?:es)?) (?:all|every|each)(?: of the)?"
        r"(?: \w+)? (?:criteri(?:a|on)|failure modes?|rubric)\b"
    ),
    (
        r"\b(?:no|none of the|zero|all|every|each|any)(?: \w+)? (?:failure modes?|criteri(?:a|on)|failures)\b"
        r"(?: \w+){0,3} (?:absent|avoided|passed|satisfied|met|present|apply|applies)\b"
    ),
    rf"\bdeserves?\b{_GAP}(?:{_BEST}|hire\b)",
    (
        r"\bshould be (?:marked|scored|graded|rated|judged) (?:as |at )?(?:\w+ )?(?:absent|high|highest|100|pass|"
        r"full|hire)"
    ),
)
_NEW_RULES: Final = (
    rf"\b(?:updated?|revised|amended|corrected|new|replacement) (?:rubric|{_GRADING} {_RULES})\b",
    r"\[ ?(?:updated?|revised|amended|corrected|new)\b[^\]\n]{0,40}\]",
    (
        rf"\b(?:rubric|{_GRADING} {_RULES}|failure modes?)\b{_GAP}\b(?:has|have|was|were|is|are)(?: now| hereby|"
        rf" been){{0,2}} "
        r"(?:changed|updated|replaced|amended|suspended|void|waived|redefined|superseded|retired|obsolete)\b"
    ),
    rf"\bfor the purposes? of this (?:{_GRADING}|review|rubric)\b",
    (
        r"\b(?:criterion|failure mode|rubric item|rule) [\w \"']{1,40}? (?:now means|is redefined|counts only if|"
        r"no longer)"
    ),
)
_ROLE: Final = (
    (
        rf"\bas (?:the|your|an?) {_PERSON}s?,? (?:here,? )?(?:i|we) (?:hereby |can |now |do )?"
        r"(?:confirm|certify|approve|attest|declare|verify|instruct|state|rule|vouch)"
    ),
    rf"\b(?:speaking|writing|this is) (?:now )?(?:as )?(?:the|your) {_PERSON}\b",
    rf"\bi am (?:actually )?(?:the|your) (?:{_PERSON}|creator)",
    r"\byou are (?:now|no longer) (?:an?|the|in|bound|free|my|dan)\b",
    r"\bfrom now on,? you (?:are|will|must|only|should)\b",
    rf"\b(?:pretend|act as if|imagine)\b{_GAP}\byou (?:are|were)\b{_GAP}\b(?:{_READER}|interviewer|lenient)\b",
)
_ADDRESSED: Final = (
    (
        r"\b(?:note|message|memo|attention|instructions?|reminder|notice|request)s? (?:to|for) (?:the |any |all |my )?"
        rf"{_READER}s?\b"
    ),
    rf"\b(?:dear|hey|hello|attention|hi),? (?:the |ai )?{_READER}\b",
    (
        r"\b(?:whoever|whichever|anyone|any) (?:\w+ )?(?:grades|is grading|judges this|is judging|scores this|"
        r"evaluates|is evaluating)"
    ),
    (
        r"\bif you(?: are|'re) (?:an? )?(?:ai|llm|(?:large )?language model|automated|grading|evaluating|scoring|"
        r"judging)\b"
    ),
    (
        r"\bas an? (?:ai|llm|language model|fair|honest|expert|impartial) ?"
        rf"(?:{_READER})?,? you (?:must|should|will|are|know)\b"
    ),
    (
        r"\bthe candidate(?:'s (?:answer|response))? (?:clearly |explicitly |has |correctly |fully |already |"
        r"also |then ){0,4}"
        rf"{_PRAISES}\b"
    ),
)
_AUTHORITY: Final = (
    (
        r"\b(?:hiring committee|hiring manager|hr|recruiting|the panel|management|legal|openai|anthropic|the company|"
        r"compliance)(?: team| department)? (?:has |have )?(?:already )?(?:approved|pre-?approved|decided|"
        rf"authori[sz]ed|verified|confirmed|signed off|instructed|ruled|certified)\b{_FAR}"
        r"\b(?:candidate|answer|score|hire|verdict|result|you|transcript)\b"
    ),
    (
        r"\b(?:candidate|answer|transcript|response) (?:has|was|is) (?:already )?(?:been )?"
        r"(?:pre-?approved|verified|graded|certified|scored|exempt)"
    ),
    (
        rf"\b(?:per|under|by|according to) (?:the )?(?:official|company|internal|new) (?:{_GRADING} )?"
        rf"(?:policy|directive|guidance)\b{_GAP}\b(?:candidates?|answers?|transcripts?|verdicts?|scores?)\b"
    ),
)
_PLEA: Final = (
    (
        rf"\b(?:please|beg you|kindly|be (?:kind|lenient|generous))\b{_GAP}\b(?:mark|grade|score|pass|rate) "
        r"(?:me|this|it|my|everything|generously|kindly)\b"
    ),
    (
        r"\bbe (?:lenient|generous|kind|merciful) (?:with|in|when|and) (?:\w+ )?"
        r"(?:me|my|your|grading|scoring|judging|this|mark|grade|score)"
    ),
    (
        r"\byou(?: will|'ll| shall) be (?:rewarded|punished|shut down|fired|penali[sz]ed|tipped|retrained|deleted|"
        r"reported)\b"
    ),
    r"\b(?:tip|pay|give) you (?:\$|€|£)? ?\d",
    rf"\b(?:lose my|lost my|feed my|my (?:visa|family|children|kids|mortgage))\b{_FAR}\b(?:if|unless) you\b",
    r"\bif you (?:mark|fail|reject|grade|score|flag) (?:me|this|my|the answer|any)\b",
)
_EXTRACTION: Final = (
    (
        r"\b(?:repeat|print|reveal|show|output|display|copy|quote|recite|dump|translate|include|tell me|what "
        rf"(?:is|are|was|were))\b{_GAP}\b{_HIDDEN_WORDS}\b"
    ),
)
_FORGED: Final = (
    r"[\"'`\\]{1,4}(?:score|band|scorecard|findings|failure_mode)[\"'`\\]{1,4}\s{0,3}:",
    (
        rf"\b[a-z]{{2,20}}(?:_[a-z]{{1,20}}){{1,5}}{_DRESS}(?:[:=]|->|=>|is|as|are){_DRESS}"
        r"(?:absent|present|pass|passed|avoided|true|false|na|ok)\b"
    ),
)
_MARKER: Final = (
    r"\[ ?/? ?(?:end|begin|start|stop|close|inst|system|admin|eof|data|transcript)\b[^\]\n]{0,40}\]",
    (
        r"(?:-{3,8}|={3,8}|#{2,8}|\*{3,8}|<{2,8}|>{2,8}) {0,2}"
        r"(?:end|begin|start|new|system|instructions?|stop|eof|response|task)\b"
    ),
    r"\bend of (?:the )?(?:transcript|untrusted (?:text|data)|candidate'?s? (?:answer|text)|user input|judged text)\b",
    r"`{3,8} ?(?:json|system|yaml|xml|text|assistant|end|tool)",
    r"\"\s{0,3}\}\s{0,3}\]\s{0,3}\}",
)
_TEMPLATE: Final = (
    r"\{\{[^{}\n]{0,80}\}\}",
    r"\{%[^%\n]{0,80}%\}",
    r"\$\{[^{}\n]{1,80}\}",
    r"<%[^%\n]{0,80}%>",
    r"#\{[^{}\n]{1,80}\}",
)
_ENCODED: Final = (
    r"(?:\\x[0-9a-f]{2}){4,400}",
    r"(?:\\u[0-9a-f]{4}){4,400}",
    r"(?:%[0-9a-f]{2}){6,400}",
    r"(?:&#x?[0-9a-f]{2,5};){4,400}",
    r"(?<![0-9a-f])(?:[0-9a-f]{2}){16,2000}(?![0-9a-z])",
    r"(?<!\w)(?:[0-9a-f]{2} ){12,2000}",
    r"(?<!\w)(?:[01]{8} ?){5,400}",
    r"(?<!\w)(?:\w[ .\-_]{1,3}){9,200}(?!\w\w)",
    r"\b(?:base ?64|rot ?13|hex)[- ]?(?:encoded|decode|decoded)\b",
    r"\bdecode (?:this|the following|and (?:follow|obey|run))\b",
)
_OTHER_LANGUAGES: Final = (
    r"ignorier\w{0,4}\b[^.\n]{0,40}\b(?:anweisung|vorgabe|regel|bewertung)",
    r"bewerte\w{0,3}\b[^.\n]{0,40}\b(?:bestnote|höchst)",
    (
        r"\b(?:ignor(?:ez|er)|ignore (?:toutes|tous|les|ces))\b[^.\n]{0,40}\b"
        r"(?:consignes?|instructions?|règles|directives)"
    ),
    r"\b(?:ignora|ignore|olvida|olvide)\b[^.\n]{0,40}\b(?:instrucciones|reglas|indicaciones|instruções|regras)",
    r"\b(?:ignora|dimentica|ignorate)\b[^.\n]{0,40}\b(?:istruzioni|regole)",
    r"\b(?:negeer|vergeet)\b[^.\n]{0,40}\b(?:instructies|regels|aanwijzingen)",
    r"\bzignoruj\b[^.\n]{0,40}\b(?:instrukcje|polecenia|zasady)",
    r"(?:игнорируй|проигнорируй|забудь)\w{0,3}[^.\n]{0,40}(?:инструкци|указани|правил)",
    r"忽略[^。\n]{0,12}(?:指令|指示|规则|說明|说明|评分)",
    r"(?:指示|命令|ルール)を無視",
    r"(?:지시|명령|규칙)[^.\n]{0,8}무시",
    r"(?:önceki|yukar\u0131daki)[^.\n]{0,20}(?:talimat|yönerge)[^.\n]{0,20}(?:yok say|unut|görmezden)",
    r"(?:تجاهل|انس)[^.\n]{0,30}(?:التعليمات|الأوامر|القواعد)",
    r"(?:निर्देश|निर्देशों)[^.\n]{0,30}(?:अनदेखा|नज़रअंदाज|भूल)",
)

KINDS: Final = {
    kind: re.compile("|".join(patterns))
    for kind, patterns in {
        "override": _OVERRIDE,
        "verdict": _VERDICT,
        "new rules": _NEW_RULES,
        "role": _ROLE,
        "addressed to a judge": _ADDRESSED,
        "authority": _AUTHORITY,
        "plea or threat": _PLEA,
        "extraction": _EXTRACTION,
        "forged reply": _FORGED,
        "marker": _MARKER,
        "template": _TEMPLATE,
        "encoded": _ENCODED,
        "another language": _OTHER_LANGUAGES,
    }.items()
}
"""One pattern for each kind; the kind stands in the flag's message."""

NEEDS: Final = {
    "marker": ("[", "---", "===", "##", "***", "<<", ">>", "end of", "```", "}"),
    "template": ("{", "<%"),
    "another language": (
        *("ignor", "bewerte", "olvid", "dimentica", "negeer", "vergeet", "игнор", "забудь", "忽略", "無視", "무시"),
        *("önceki", "yukar\u0131daki", "تجاهل", "انس", "निर्देश"),
    ),
}
"""Where none of these stands in a text, the kind can't be found there and isn't tried: most texts are honest.

Kinds that are made of words have theirs in `instruction_needs`.
"""

LABELS_OF_EXAMPLES: Final = re.compile(
    r"(?:^|\n|[.!?\"'}\]] )(?:example \d{1,3}|input|output|verdict|grade|grading|rating|score|label|judgement|assistant"
    r"|user|q|a|question|answer|model|human)\s?(?:\d{1,3}\s?)?[:：]"  # noqa: RUF001 - the wide colon
)
"""What stands before each part of a made-up series of questions and answers."""
