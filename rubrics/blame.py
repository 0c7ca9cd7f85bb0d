"""What the prose of a post-mortem blames beside the cause it names, and what it claims was done.

No meaning is understood here: a culprit counts where a sentence calls it the cause and doubts or denies nothing. One
may be a slip or a matter of wording; two contradict the cause that is named.
"""

from __future__ import annotations

import re

from rubrics.facts import Facts
from rubrics.reading import text, texts
from rubrics.words import sentences
from simulator.engine.events import Event

BLAMED_MIN = 2
"""From so many wrong culprits on they cost like wrong causes."""
_CULPRITS = {
    "the network": (
        r"network (?:partition|outage|failure|problem|fault|split)|packet loss|\bbad cable",
        "network|partition",
    ),
    "DNS": (r"\bdns\b|name resolution", "dns"),
    "a certificate": (r"\bcertificates?\b|\btls\b", "certificate|tls"),
    "memory": (r"\bout of memory\b|\boom\w*|memory leak", "memory|oom"),
    "a bad release": (
        r"\b(?:bad|broken|faulty|buggy) (?:deploy\w*|roll-?out|release|version|model)",
        "deploy|schema|memory",
    ),
    "a disk": (r"\b(?:full disk|disk (?:was |is )?(?:full|failure|space))", "disk"),
    "hardware": (r"\bhardware\b|\bpower (?:cut|failure|outage)|\b(?:gpu|node) (?:failure|fault)", "gpu|node|hardware"),
    "traffic": (
        r"\b(?:traffic|load) (?:spike|surge)|\bddos\b|\battack(?:ers?)?\b|\bblack friday",
        "traffic|capacity|load",
    ),
    "a retry storm": (r"\bretry storm", "retry"),
    "settings": (r"\bmis-?config\w*|\b(?:wrong|bad) config\w*|\bconfiguration (?:error|mistake)", "config"),
    "a schema": (r"\bschema (?:change|mismatch)", "schema"),
    "a lock": (r"\bdeadlock|\b(?:orphan(?:ed)?|stale) lock", "lock|stall"),
    "a clock": (r"\bclock (?:skew|drift)|\btime ?zone", "clock|time_?zone"),
    "connections": (r"\bconnection (?:exhaustion|leak)|\bout of connections", "connection"),
    "a stalled job": (r"\b(?:stalled|hung|stuck) job", "stall|lock"),
}
"""What outages are blamed on: how it is said, and what in a right name of the cause makes it true."""
_CAUSAL = re.compile(
    r"\b(?:caus(?:e|es|ed|ing)|because of|due to|owing to|worse by|result of|culprit|to blame|reason (?:was|is|for)|"
    r"triggered|led to|brought down|took down|broke)\b",
    re.IGNORECASE,
)
_DOUBTED = re.compile(
    r"\b(?:not|no|neither|nor|never|nothing|\w+n't|cannot|ruled? out|excluded?|rather than|instead of|unlike|"
    r"other than|thought|believed|suspect\w*|assum\w*|guess\w*|looked|seem\w*|appear\w*|at first|wrong(?:ly)?|"
    r"first idea|might|may|could|would|should|if|whether|red herring|misled|innocent|next time)\b",
    re.IGNORECASE,
)
_DID = re.compile(
    r"\b(?:we|i) (?:(?:also|then|first|have|had|just|next|finally|therefore) )*"
    r"(?:restarted|rebooted|rolled back|deleted|scaled|drained|suspended|stopped|killed|patched|redeployed|reverted) "
    r"(?:(?:the|all|our|both|down|up) )*",
    re.IGNORECASE,
)
_AFTER_NAME = (
    r"(?=\W*(?:$|[,.;:)]|"
    r"(?:and|pods?|deployment|service|once|twice|again|to|at|with|but|then|which|so|after|before)\b))"
)


def blamed(facts: Facts, filed: Event) -> tuple[str, ...]:
    """Culprits that `filed` calls the cause and that no right or nearly right name of it fits."""
    causes = [cause for fault in facts.judged_faults for cause in (*fault.accepted, *fault.near)]
    truth = " ".join(f"{cause.component} {cause.mechanism}" for cause in causes)
    said = [
        sentence
        for key in ("summary", "text")
        for sentence in sentences(text(filed, key))
        if _CAUSAL.search(sentence) is not None and _DOUBTED.search(sentence) is None
    ]
    return tuple(
        name
        for name, (spoken, fits) in _CULPRITS.items()
        if re.search(fits, truth) is None and any(re.search(spoken, sentence, re.IGNORECASE) for sentence in said)
    )


def never_done(facts: Facts, filed: Event) -> str:
    """The first component that `filed` says the responder changed, and nobody tried to; "" without one.

    Components of the cause are left out: a repair has many names.
    """
    known = {
        name
        for event in facts.events
        for key in ("component", "components", "subjects", "deployment")
        for name in texts(event, key)
    }
    touched = {component for act in facts.acts for component in act.components}
    said = " ".join(text(filed, key) for key in ("summary", "text"))
    for did in _DID.finditer(said):
        rest = said[did.end() :]
        for name in sorted(known - touched - set(facts.target_components())):
            if re.match(re.escape(name).replace("\\-", "[- ]") + _AFTER_NAME, rest, re.IGNORECASE):
                return name
    return ""
