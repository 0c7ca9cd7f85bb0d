"""The post-mortem as a small document: fields that are drafted one by one, and the Markdown in which they are edited.

The Markdown can be read back: headings name the fields, `Cause:` under Root cause names the causes, comments are left
out. A heading that is missing leaves its field empty; one that is not known is an error with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from reference_platform.errors import CommandError, nearest

FieldName = Literal["summary", "impact", "timeline", "causes", "root_cause", "went_well", "went_badly", "actions"]
FIELD_MAX_CHARS = 12_000
OWNER_MAX_CHARS = 40

ALIASES: Mapping[str, FieldName] = {
    "summary": "summary",
    "tldr": "summary",
    "impact": "impact",
    "timeline": "timeline",
    "cause": "causes",
    "causes": "causes",
    "root cause": "root_cause",
    "root causes": "root_cause",
    "root": "root_cause",
    "text": "root_cause",
    "what happened": "root_cause",
    "well": "went_well",
    "went well": "went_well",
    "what went well": "went_well",
    "badly": "went_badly",
    "bad": "went_badly",
    "went badly": "went_badly",
    "what went badly": "went_badly",
    "what went wrong": "went_badly",
    "actions": "actions",
    "action": "actions",
    "action items": "actions",
    "prevention": "actions",
}
"""Names of fields as people write them, in commands and as headings."""
_HEADINGS: tuple[tuple[FieldName, str, str], ...] = (
    ("summary", "Summary", "what happened, in two sentences, for somebody who was asleep"),
    ("impact", "Impact", "who was hurt, how badly, for how long"),
    ("timeline", "Timeline", "filled from the log; change what you like"),
    ("root_cause", "Root cause", "why it happened and how it did the harm"),
    ("went_well", "What went well", ""),
    ("went_badly", "What went badly", ""),
    ("actions", "Actions", "one a line, with its owner: - alert on feature age (Lee)"),
)
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s*(.*?)[\s#:]*$")
_CAUSE_LINE = re.compile(r"\s*\**causes?\**\s*:\**\s*(.*)", re.IGNORECASE)
_OWNER = re.compile(r"\s*(?:\((?:owner\s*[:=]?\s*)?([^()]+)\)|[-,;]?\s*owner\s*[:=]\s*(.+)|@([\w.-]+))\s*[.]?$", re.I)
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])?\s*(?:\[[ xX]?\]\s*)?")


@dataclass(frozen=True, slots=True)
class Draft:
    """What has been written so far. An empty `timeline` is filled from the log, empty `causes` from the resolve."""

    summary: str = ""
    impact: str = ""
    timeline: str = ""
    causes: str = ""
    root_cause: str = ""
    went_well: str = ""
    went_badly: str = ""
    actions: str = ""

    def value(self, name: FieldName) -> str:
        """The text of a field."""
        return str(getattr(self, name))

    def with_value(self, name: FieldName, text: str) -> Draft:
        """The draft with one field rewritten. Raises CommandError when the text is too long."""
        if len(text) > FIELD_MAX_CHARS:
            what = f"{name.replace('_', ' ')}: {len(text)} characters"
            raise CommandError(what, fix=f"at most {FIELD_MAX_CHARS}; keep what a reader needs")
        return replace(self, **{name: _tidied(text)})

    @property
    def prose(self) -> str:
        """All that was written in sentences: neither the timeline nor the actions."""
        told = (self.summary, self.impact, self.root_cause, self.went_well, self.went_badly)
        return "\n".join(text for text in told if text)


FIELDS: tuple[FieldName, ...] = tuple(field.name for field in fields(Draft))  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody will do so that it does not come back. `owner` is "" when nobody is named."""

    what: str
    owner: str


def _tidied(text: str) -> str:
    """`text` without comments, control characters and blanks at the ends of lines."""
    plain = re.sub(r"<!--.*?(?:-->|$)", "", text.replace("\r\n", "\n").replace("\r", "\n"), flags=re.DOTALL)
    plain = "".join(char for char in plain if char.isprintable() or char in "\n\t")
    return "\n".join(line.rstrip() for line in plain.split("\n")).strip()


def field_named(text: str) -> FieldName:
    """The field that `text` names. Raises CommandError."""
    name = " ".join(re.sub(r"[_-]", " ", text.lower()).split())
    if name in ALIASES:
        return ALIASES[name]
    known = ("summary", "impact", "timeline", "cause", "root-cause", "well", "badly", "actions")
    close = nearest(name, known)
    raise CommandError(f'a post-mortem has no field "{text[:40]}"', fix=f"{close}  fields: {', '.join(known)}")


def actions_in(text: str) -> tuple[Action, ...]:
    """Actions, one a line or between semicolons: `- alert on age (Lee)`, `alert on age, owner: Lee`, `... @lee`."""
    found: list[Action] = []
    for line in re.split(r"[\n;]", text):
        item = _BULLET.sub("", line).strip()
        owner = _OWNER.search(item)
        name = "" if owner is None else (owner[1] or owner[2] or owner[3]).strip()
        if owner is None or not item[: owner.start()].strip() or len(name) > OWNER_MAX_CHARS:
            what, name = item, ""
        else:
            what = item[: owner.start()].strip(" ,;-")
        if re.search(r"\w", what):
            found.append(Action(what, name))
    return tuple(found)


def document(draft: Draft, title: str) -> str:
    """The draft as Markdown to edit; empty fields show what belongs there as a comment."""
    lines = [f"# Post-mortem: {title}", ""]
    for name, heading, advice in _HEADINGS:
        lines.append(f"## {heading}")
        text = draft.value(name)
        if name == "root_cause":
            lines.append(f"Cause: {draft.causes}")
        if text:
            lines.extend(_kept_as_text(name, line) for line in text.split("\n"))
        elif advice:
            lines += ["", f"<!-- {advice} -->"]
        lines.append("")
    return "\n".join(lines)


def _kept_as_text(name: FieldName, line: str) -> str:
    """`line` with a backslash before it when it would be read as structure."""
    return f"\\{line}" if _is_structure(name, line.lstrip("\\")) else line


def _is_structure(name: FieldName, line: str) -> bool:
    heading = _HEADING.fullmatch(line)
    return bool(heading and len(heading[1]) <= 2) or (name == "root_cause" and _CAUSE_LINE.fullmatch(line) is not None)


def read_document(text: str) -> Draft:
    """The draft in a Markdown document. Raises CommandError that names the line."""
    values: dict[FieldName, list[str]] = {}
    current: FieldName | None = None
    for number, line in enumerate(_without_comments(text).split("\n"), 1):
        heading = _HEADING.fullmatch(line)
        if heading and len(heading[1]) <= 2:
            current = _section(heading[2], len(heading[1]), number, values)
        elif current is not None:
            cause = _CAUSE_LINE.fullmatch(line) if current == "root_cause" else None
            if cause is None:
                is_text = line.startswith("\\") and _is_structure(current, line.lstrip("\\"))
                values[current].append(line[1:] if is_text else line)
            elif values.get("causes"):
                raise CommandError(f"line {number}: a second Cause line", fix="name several causes as a:b, c:d")
            else:
                values["causes"] = [cause[1].strip()]
        elif line.strip():
            raise CommandError(f"line {number}: text before the first heading", fix="put it under ## Summary")
    draft = Draft()
    for name, lines in values.items():
        draft = draft.with_value(name, "\n".join(lines))
    return draft


def _section(words: str, level: int, number: int, values: dict[FieldName, list[str]]) -> FieldName | None:
    """The field that a heading on line `number` opens, None for the document's title."""
    name = " ".join(words.strip("*_ ").lower().split())
    if name not in ALIASES:
        if level == 1 and not values:
            return None
        close = nearest(name, [heading.lower() for _, heading, _ in _HEADINGS])
        raise CommandError(f'line {number}: no section "{words[:40]}"', fix=close)
    field = ALIASES[name]
    if field in values and field != "causes":
        raise CommandError(f'line {number}: "{words}" stands here a second time', fix="put both under one heading")
    values[field] = []
    return field


def _without_comments(text: str) -> str:
    """`text` with comments blanked and every line still in its place. Raises CommandError for an open comment."""
    flat = text.replace("\r\n", "\n").replace("\r", "\n")
    closed = re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), flat, flags=re.DOTALL)
    opened = closed.find("<!--")
    if opened >= 0:
        line = closed.count("\n", 0, opened) + 1
        raise CommandError(f"line {line}: this comment has no end", fix="close it with -->")
    return closed


def escaped(text: str) -> str:
    """`text` on one line for a command, so that `unescaped` gives it back; in quotes where quotes or nothing end it."""
    line = text.replace("\\", "\\\\").replace("\n", "\\n")
    if line[:1] not in ("", "'", '"') and line[-1:] not in ("'", '"'):
        return line
    return f"'{line}'" if line[:1] == '"' else f'"{line}"'


def unescaped(text: str) -> str:
    """Inverse of `escaped`; any other backslash stays."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return re.sub(r"\\([\\n])", lambda found: "\n" if found[1] == "n" else "\\", text)


def saving_lines(before: str, after: str) -> list[str]:
    """The commands that turn the draft in document `before` into the one in `after`. Raises CommandError."""
    old, new = read_document(before), read_document(after)
    return [
        f"postmortem set {name.replace('_', '-')} {escaped(new.value(name))}"
        for name in FIELDS
        if new.value(name) != old.value(name)
    ]
