"""What a regression says: the comparison with a baseline, and the JSON and JUnit files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from reference_platform.errors import ContentError
from scenarios.regress import FORMAT, Key, Play
from scenarios.trail import CODE_CHARS, first_difference

POINTS_TOLERANCE = 2.0
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Known:
    """What a baseline says of one play."""

    verdict: str
    score: float
    trail: str
    """Of the night and then of the play."""


@dataclass(frozen=True, slots=True)
class Change:
    """A play that came out otherwise than in the baseline. `where` tells of the first event that differs."""

    before: str
    where: str


def changed(play: Play, known: Known | None, lines: Sequence[str]) -> Change | None:
    """How `play` differs from the baseline, when its verdict does or its score by more than two points."""
    if known is None or play.failed:
        return None
    if play.verdict == known.verdict and abs(play.score - known.score) <= POINTS_TOLERANCE:
        return None
    return Change(f"{known.verdict} {known.score:g}", _where(known.trail, lines))


def _where(known: str, lines: Sequence[str]) -> str:
    at = first_difference(lines, known)
    if at is None:
        return "every event is the same; the rubric changed"
    if at >= len(lines):
        return f"the log ends after event {len(lines)}; the baseline's went on"
    event = json.loads(lines[at])
    more = "; the baseline's log had ended" if at * CODE_CHARS >= len(known) else ""
    return f"first event that differs: {event['n']} at {event['t_us'] / 1e6:.0f} s{more}\n{lines[at]}"


def read_baseline(path: Path) -> Mapping[Key, Known]:
    """The results of an earlier `--json`. Raises ContentError when it is none."""
    fix = "name a file that `pagerdrill regress --json FILE` wrote"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise ContentError(f"format {body['format']} is not {FORMAT}", where=str(path), fix=fix)
        nights = {(item["scenario"], item["seed"]): str(item["trail"]) for item in body["nights"]}
        return {
            (item["scenario"], int(item["seed"]), item["player"]): Known(
                str(item["verdict"]), float(item["score"]), nights[item["scenario"], item["seed"]] + item["trail"]
            )
            for item in body["plays"]
            if not item["failed"]
        }
    except OSError as error:
        why = error.strerror or ""
        raise ContentError("the baseline cannot be read", where=str(path), why=why, fix="check the path") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ContentError("this is no baseline", where=str(path), why=str(error), fix=fix) from None


def to_json(plays: Iterable[Play], program: Mapping[str, str]) -> str:
    """All results as one document; the same bytes for any order of `plays`."""
    ordered = sorted(plays, key=lambda play: play.key)
    nights = {(play.scenario, play.seed): play.night_trail for play in ordered if not play.failed}
    body: dict[str, Any] = {
        "format": FORMAT,
        "program": dict(program),
        "nights": [{"scenario": name, "seed": seed, "trail": trail} for (name, seed), trail in nights.items()],
        "plays": [_play_document(play) for play in ordered],
    }
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _play_document(play: Play) -> dict[str, Any]:
    body = asdict(play)
    del body["night_trail"]
    # One line per criterion is long enough; the reasons stand in a debrief.
    body["findings"] = {name: [found[0], found[1], found[2]] for name, found in play.findings.items()}
    return body


def to_junit(plays: Iterable[Play], changes: Mapping[Key, Change]) -> str:
    """All results as JUnit XML: a suite per scenario, a case per player and seed. Holds no times."""
    suites: dict[str, list[Play]] = {}
    for play in sorted(plays, key=lambda play: play.key):
        suites.setdefault(play.scenario, []).append(play)
    body = "".join(_suite(name, suite, changes) for name, suite in suites.items())
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n{body}</testsuites>\n'


def _suite(name: str, plays: Sequence[Play], changes: Mapping[Key, Change]) -> str:
    cases = "".join(_case(play, changes.get(play.key)) for play in plays)
    failures = sum(bool(complaints(play, changes.get(play.key))) and not play.failed for play in plays)
    errors = sum(bool(play.failed) for play in plays)
    counts = f'tests="{len(plays)}" failures="{failures}" errors="{errors}"'
    return f"  <testsuite name={quoteattr(name)} {counts}>\n{cases}  </testsuite>\n"


def _case(play: Play, change: Change | None) -> str:
    head = f"    <testcase classname={_attribute(play.scenario)} name={_attribute(f'{play.player}/{play.seed}')}"
    if play.failed:
        return f'{head}>\n      <error message="the play stopped">{_text(play.failed)}</error>\n    </testcase>\n'
    said = complaints(play, change)
    if not said:
        return f"{head}/>\n"
    message = _attribute(said[0].partition("\n")[0])
    return f"{head}>\n      <failure message={message}>{_text(chr(10).join(said))}</failure>\n    </testcase>\n"


def complaints(play: Play, change: Change | None) -> list[str]:
    """Why a play that came to its end counts as failed; [] when it does not."""
    said = []
    if play.unexpected:
        said.append(f"{play.verdict} {play.score:g}, expected {play.expected}")
        said += [f"refused: {line}" for line in play.failed_commands]
    if change is not None:
        said.append(f"{play.verdict} {play.score:g}, was {change.before}\n{change.where}")
    return said


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
