"""`postmortem`: a draft that is written field by field or in an editor, shown, and filed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

from reference_platform.errors import CommandError
from simulator.engine.events import JsonValue
from simulator.incident.postmortem import Action, Draft, FieldName, actions_in, field_named, unescaped
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import parts_of, unquoted
from simulator.shell.registry import command
from simulator.shell.story import Cause, cause_fields, causes_text, draft_document, filled, suspects
from simulator.shell.table import table
from simulator.shell.tools.incident.hypotheses import CAUSE_LIST, causes_in

LINE_USAGE = 'postmortem cause=COMPONENT:MECHANISM prevention="..." TEXT'
SET_USAGE = "postmortem set FIELD TEXT"
ADD_USAGE = "postmortem add FIELD TEXT"
FIELDS_SHOWN = ("summary", "impact", "timeline", "cause", "root-cause", "well", "badly", "actions")
_INLINE: dict[str, FieldName] = {
    "summary": "summary",
    "impact": "impact",
    "timeline": "timeline",
    "well": "went_well",
    "badly": "went_badly",
    "prevention": "actions",
    "actions": "actions",
}


@dataclass(frozen=True, slots=True)
class _Paper:
    """A post-mortem that can be filed: what was written, and the same with what the log adds."""

    written: Draft
    draft: Draft
    causes: tuple[Cause, ...]
    actions: tuple[Action, ...]


def _paper(op: Operator, written: Draft) -> _Paper:
    """Check that a draft says what a post-mortem must say. Raises CommandError with all that it lacks."""
    draft = filled(op, written)
    actions = actions_in(draft.actions)
    lacking = {
        "the cause": ("" if draft.causes else "postmortem set cause COMPONENT:MECHANISM"),
        "what happened": ("" if draft.root_cause or draft.summary else "postmortem set root-cause TEXT"),
        "what keeps it from coming back": ("" if actions else "postmortem set actions WHAT (OWNER)"),
    }
    lacking = {what: fix for what, fix in lacking.items() if fix}
    if lacking:
        fixes = "\n  ".join([*lacking.values(), f"or all at once: {LINE_USAGE}"])
        raise CommandError(f"the post-mortem does not say {' or '.join(lacking)}", fix=fixes)
    causes, rest = causes_in(op, draft.causes, "Cause: COMPONENT:MECHANISM, COMPONENT:MECHANISM")
    if rest:
        raise CommandError(f'behind the causes stands "{rest[:60]}"', fix="explain it under root-cause")
    return _Paper(written, draft, causes, actions)


def _inline(op: Operator, raw: str) -> _Paper:
    """The post-mortem in one line: named parts over what was drafted before; the rest says what happened."""
    parts = parts_of(raw, ("cause", "text", *_INLINE), shapes={"cause": CAUSE_LIST})
    named = parts.named
    if not named.get("cause"):
        why = "a post-mortem in one line names the cause"
        raise CommandError("this is not filed", why=why, fix=f"{LINE_USAGE}   or piece by piece: {SET_USAGE}")
    draft = op.incident.draft.with_value("causes", causes_text(causes_in(op, named["cause"], LINE_USAGE)[0]))
    for name, field in _INLINE.items():
        if named.get(name):
            twice = name == "actions" and named.get("prevention")
            draft = draft.with_value(field, unescaped(f"{draft.actions}\n{named[name]}" if twice else named[name]))
    text = " ".join(part for part in (named.get("text", ""), unquoted(parts.rest)) if part)
    if text:
        draft = draft.with_value("root_cause", unescaped(text))
    if not actions_in(draft.actions):
        raise CommandError("what keeps it from coming back?", fix=LINE_USAGE)
    if not (draft.root_cause or draft.summary):
        why = "without quotes the prevention runs to the end of the line"
        raise CommandError("a post-mortem tells what happened", why=why, fix=LINE_USAGE)
    return _paper(op, draft)


def _file(op: Operator, paper: _Paper) -> Effect:
    draft, again = paper.draft, op.incident.postmortem
    words = len(draft.prose.split())
    data: dict[str, JsonValue] = {
        **cause_fields(paper.causes),
        "summary": draft.summary,
        "impact": draft.impact,
        "timeline": draft.timeline,
        "text": draft.prose,
        "went_well": draft.went_well,
        "went_badly": draft.went_badly,
        "actions": [{"what": action.what, "owner": action.owner} for action in paper.actions],
        "prevention": "; ".join(action.what for action in paper.actions),
        "words": words,
    }
    op.incident.draft = paper.written
    op.incident.postmortem = True
    op.emit("postmortem.filed", data)
    lines = [f"post-mortem filed{' again' if again else ''}: {causes_text(paper.causes)}, {words} words"]
    if not op.incident.resolved:
        lines.append("the incident is still open: resolve COMPONENT:MECHANISM TEXT; until then it can be filed again")
    return Effect("\n".join(lines))


def _preview(op: Operator, paper: _Paper) -> str:
    draft = paper.draft
    prose = {
        "summary": draft.summary, "impact": draft.impact, "root cause": draft.root_cause,
        "went well": draft.went_well, "went badly": draft.went_badly,
    }  # fmt: skip
    rows = [("cause", causes_text(paper.causes))]
    rows += [(name, " ".join(text.split())) for name, text in prose.items() if text]
    rows.append(("actions", "; ".join(f"{item.what} ({item.owner or 'no owner'})" for item in paper.actions)))
    empty = [name for name, text in prose.items() if not text]
    rows += [("empty", ", ".join(empty))] if empty else []
    ends = "the incident is resolved: filing ends the drill"
    rows.append(("then", ends if op.incident.resolved else "it can be filed again until you resolve"))
    return f"You file the post-mortem, {len(draft.prose.split())} words:\n{table((), rows)}"


def _preview_line(op: Operator, args: argparse.Namespace) -> str | None:
    return _preview(op, _inline(op, args.raw)) if args.raw.strip() else None


def _fields(_: Operator) -> Iterable[str]:
    return FIELDS_SHOWN


@command("postmortem", "postmortem", takes_s=5.0, complete=lambda op: [f"cause={name}" for name in suspects(op)],
         aliases=["post-mortem", "pm"], rest="text", preview=_preview_line)  # fmt: skip
def postmortem(op: Operator, args: argparse.Namespace) -> Effect:
    """The draft of the post-mortem; with cause=, prevention= and a text it is filed in one line."""
    return _file(op, _inline(op, args.raw)) if args.raw.strip() else show(op, args)


@command("postmortem show", "postmortem show", takes_s=1.0, aliases=["post-mortem show", "pm show"])
def show(op: Operator, _: argparse.Namespace) -> Effect:
    """The draft as it stands; the timeline is filled from the log."""
    state = "filed; file it again to replace it" if op.incident.postmortem else "not filed"
    ways = f"{state}\n{SET_USAGE}, postmortem edit, postmortem file, or in one line: {LINE_USAGE}"
    return Effect(f"{draft_document(op)}\n{ways}")


def _set(op: Operator, name: FieldName, text: str) -> None:
    if name == "causes" and text:
        causes, rest = causes_in(op, text, SET_USAGE)
        if rest:
            raise CommandError(f'behind the causes stands "{rest[:60]}"', fix="postmortem set root-cause TEXT")
        text = causes_text(causes)
    op.incident.draft = op.incident.draft.with_value(name, text)


def _field_and_text(raw: str, usage: str) -> tuple[FieldName, str, str]:
    word, _, text = raw.strip().partition(" ")
    if not word or not text.strip():
        raise CommandError("write what into which field?", why=f"fields: {', '.join(FIELDS_SHOWN)}", fix=usage)
    return field_named(word), word, unescaped(text.strip())


@command("postmortem set", SET_USAGE, takes_s=2.0, complete=_fields, aliases=["post-mortem set", "pm set"], rest="text")
def set_field(op: Operator, args: argparse.Namespace) -> Effect:
    """Write one field of the draft; \\n is a line break, "" empties it."""
    name, word, text = _field_and_text(args.raw, SET_USAGE)
    _set(op, name, text)
    filed = "\nthe filed one stays as it is until: postmortem file" if op.incident.postmortem else ""
    words = len(op.incident.draft.value(name).split())
    return Effect(f"draft: {word} {f'has {words} words' if words else 'is empty'}{filed}")


@command("postmortem add", ADD_USAGE, takes_s=2.0, complete=_fields, aliases=["post-mortem add", "pm add"], rest="text")
def add_to_field(op: Operator, args: argparse.Namespace) -> Effect:
    """Add a line to a field of the draft, such as one more action with its owner."""
    name, word, text = _field_and_text(args.raw, ADD_USAGE)
    before = filled(op, op.incident.draft).value(name)
    _set(op, name, f"{before}{', ' if name == 'causes' else chr(10)}{text}" if before else text)
    return Effect(f"draft: {word} has {len(op.incident.draft.value(name).split())} words")


@command("postmortem edit", "postmortem edit [--editor]", takes_s=0.5,
         aliases=["post-mortem edit", "pm edit"], rest="text")  # fmt: skip
def edit(op: Operator, args: argparse.Namespace) -> Effect:
    """Edit the draft in a pane of the incident room, or with --editor in $EDITOR."""
    raise CommandError("there is no editor here", why="it opens where a person types", fix=SET_USAGE)


@command("postmortem file", "postmortem file", takes_s=5.0, aliases=["post-mortem file", "pm file"],
         preview=lambda op, _: _preview(op, _paper(op, op.incident.draft)))  # fmt: skip
def file(op: Operator, _: argparse.Namespace) -> Effect:
    """File the draft; the drill ends when the incident is resolved too."""
    return _file(op, _paper(op, op.incident.draft))
