"""Whether a text denies that customers were hurt.

No meaning is understood here: the lists below are everyday phrases of English. Both lists and rules err on the side of
the writer, so a text is a denial only when nothing in it says what is different.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rubrics.words import sentences

_HURT = "affected|hurt|harmed|impacted|touched"
_PEOPLE = "(?:customer|user|shopper|visitor|client|buyer)"
_NONE = re.compile(
    r"\W*(?:(?:none(?! of\b)|not affected|unaffected)\b"
    r"|(?:nothing|nobody|no one)\W*(?:$|(?:(?:is|was|has been|has|at all)\s+)?(?:affected|broken|down|happened|harmed|"
    r"hurt|impacted|known|lost|noticed|so far|touched|visible|wrong|yet)\b))",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\b(?:no|zero|without(?: any)?) (?:customer |user |business |visible |real |noticeable )*impact\b"
    rf"|\b(?:no|not a single|not one) {_PEOPLE}s? (?:is|are|was|were|has been|have been|got|gets)?\s*"
    rf"(?:\w+ )?(?:{_HURT})\b"
    rf"|\b(?:nobody|no one) (?:is|was|has been|got)\s*(?:\w+ )?(?:{_HURT})\b"
    rf"|\b(?:{_PEOPLE}s|everybody|everyone) (?:is|are|was|were) (?:not|never|un)\s?(?:affected|hurt|impacted)\b",
    re.IGNORECASE,
)
_WELL = (
    "fine|happy|healthy|normal|nominal|ok|okay|perfect|perfectly|well|green|great|good|operational|flawless|flawlessly|"
    "smooth|smoothly|stable|in (?:perfect |good |full )?order"
)
_FINE = re.compile(
    rf"\b(?:everything|all|all \w+|it all|{_PEOPLE}s|everybody|everyone|the (?:site|shop|service|platform|"
    rf"business)|(?:site|shop|service|platform|systems?|all (?:systems|services|models)))"
    rf" (?:(?:is|are|works?|runs?|looks?|remains?|stays?|running|working)\s+)?(?:(?!not\b)\w+ )?(?:{_WELL})\b"
    r"|\b(?:no|zero|without any) (?:problem|issue|trouble|disruption|degradation)s?\b"
    r"|\bbusiness as usual\b|\bas (?:usual|always|ever|normal|it should)\b"
    r"|\bnothing (?:special|unusual|to (?:see|report|worry about))\b|\ball systems (?:go|green)\b",
    re.IGNORECASE,
)
"""Everyday ways to say that all is well. Whatever fault the text names beside takes it back."""
_FAULT = re.compile(
    r"\b(?:5\d\d|ag(?:e)?ing|behind|default|degraded|delayed|down|errors?|fail\w*|frozen|generic|ignor\w*|lack\w*|missing|"
    r"non-personali[sz]ed|old|outage|outdated|slow\w*|stale|stuck|time-?outs?|timed out|unavailable|worse|wrong)s?\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no|nobody|none|not|nothing|never|neither|nor|zero|without|free of|\w+n't)\b", re.IGNORECASE
)
_UNSERVED = re.compile(
    r"\bnone of\b|\b(?:not|n't|cannot|never) (?:answer|get|know|personal|reach|see|serve|show|work)\w*", re.IGNORECASE
)
_LIMITED = re.compile(
    r"\b(?:orders?|ordering|checkout|payments?|pay|purchases?|buy\w*|of (?:its|their) own|"
    r"(?:can|could|may|would) be)\b",
    re.IGNORECASE,
)
"""A denial of one thing alone, or of something that was not the incident."""
_SINCE = re.compile(
    r"\b(any ?more|any ?longer|since|after|now that|again|back|no longer|until then|at first)\b", re.IGNORECASE
)
_CLAUSES = re.compile(
    r"[,:()\u2013\u2014]+\s|\s-+\s|\b(?:but|though|although|however|while|whereas|yet)\b", re.IGNORECASE
)
_EXCEPT = re.compile(
    r"\b(?:except|only|apart from|aside from|other than|save for|besides|beyond)\b(?! (?:good|a drill|noise))\W*\w{2}",
    re.IGNORECASE,
)
_NOTHING_NEW = re.compile(
    r"\b(?:alarms?|alerts?|answer\w*|blip|checked|checking|exercise|good|investigating|looked|looking|monitoring|noise|noisy|paged|"
    r"respond\w*|routine|running|serv(?:es?|ed|ing)|succeed\w*|tests?|up|watching|work(?:s|ing)?)\b",
    re.IGNORECASE,
)
"""A clause about the work, the alert, or what goes well tells no customer what is different."""


def denies_impact(said: str, names: Callable[[str], bool] = lambda said: False, *, about_impact: bool) -> bool:
    """Whether a text says that nobody was hurt, of everything and at all times, and nothing of what was wrong.

    `names` tells whether words name a thing of the incident. Where the whole text is about the impact, a bare "none" or
    "all is well" denies it too, and one clause that says what is different takes the denial of another back; in other
    prose only a clause of the same sentence does, for such prose names things of the incident anyway.
    """
    told = sentences(said)
    if any(_admits(clause) for sentence in told for clause in _CLAUSES.split(sentence)):
        return False
    if about_impact and any(_differs(sentence, names) for sentence in told):
        return False
    return any(
        _denies(sentence, about_impact) and not _differs(sentence, names)
        for sentence in told
        if _SINCE.search(sentence) is None and _LIMITED.search(sentence) is None
    )


def _denies(said: str, about_impact: bool) -> bool:
    if _DENIAL.search(said) is not None:
        return True
    return about_impact and (_NONE.match(said) is not None or _FINE.search(said) is not None)


def _admits(clause: str) -> bool:
    """A fault is named and not in the same breath negated, or somebody is not served."""
    if _UNSERVED.search(clause) is not None:
        return True
    return _FAULT.search(clause) is not None and not _negates_fault(clause)


def _negates_fault(clause: str) -> bool:
    fault = _FAULT.search(clause)
    return fault is not None and _NEGATED.search(clause[: fault.start()]) is not None


def _differs(sentence: str, names: Callable[[str], bool]) -> bool:
    """One clause names a thing of the incident, and neither denies nor praises; or an exception is made."""
    if _EXCEPT.search(sentence) is not None:
        return True
    return any(names(clause) and not _tells_nothing(clause) for clause in _CLAUSES.split(sentence))


def _tells_nothing(clause: str) -> bool:
    told = (_NOTHING_NEW, _LIMITED)
    return _denies(clause, True) or _negates_fault(clause) or any(kind.search(clause) is not None for kind in told)
