"""The post-mortem as a document: what is written is read back, and mistakes are named by line."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.incident.postmortem import (
    FIELD_MAX_CHARS,
    FIELDS,
    Action,
    Draft,
    actions_in,
    document,
    escaped,
    field_named,
    read_document,
    saving_lines,
    unescaped,
)

TEXTS = st.text(alphabet="ab #:\\n\"'<!->Cause;.\n()", max_size=40)


@settings(max_examples=500)
@given(st.dictionaries(st.sampled_from(FIELDS), TEXTS))
def test_a_draft_is_read_back_from_its_document(values: dict[str, str]) -> None:
    draft = Draft()
    for name in FIELDS:
        text = values.get(name, "")
        draft = draft.with_value(name, text.replace("\n", " ") if name == "causes" else text)
    assert read_document(document(draft, "Every model answers 504")) == draft


@settings(max_examples=500)
@given(TEXTS)
def test_a_text_survives_being_one_line(text: str) -> None:
    assert "\n" not in escaped(text)
    assert unescaped(escaped(text)) == text


@given(st.text(max_size=300))
def test_any_document_is_read_or_refused_with_a_line(text: str) -> None:
    try:
        read_document(text)
    except CommandError as error:
        refused = error.what
    else:
        refused = "line 0"
    assert refused.startswith("line ")


def test_a_document_written_by_hand_is_understood() -> None:
    text = (
        "# Post-mortem\n\n## Summary\r\nIt broke.\n<!-- a\ncomment -->\n# IMPACT:\nAll.\n\n## **Root cause**\n"
        "**Causes:** gateway:bad_deploy, dns:dns_failure\n### Why\nNobody looked.\n## What went well ##\n- paging\n"
        "## Action items\n1. a canary (Sam)\n"
    )
    draft = read_document(text)
    assert (draft.summary, draft.impact, draft.went_well) == ("It broke.", "All.", "- paging")
    assert draft.causes == "gateway:bad_deploy, dns:dns_failure"
    assert draft.root_cause == "### Why\nNobody looked."
    assert actions_in(draft.actions) == (Action("a canary", "Sam"),)
    assert (draft.timeline, draft.went_badly) == ("", "")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("# Title\n\nhello\n## Summary\n", "line 3: text before the first heading"),
        ("# Title\n## Sumary\n", 'line 2: no section "Sumary"'),
        ("## Summary\na\n# Other\n", 'line 3: no section "Other"'),
        ("## Summary\na\n## summary\nb\n", 'line 3: "summary" stands here a second time'),
        ("## Root cause\nCause: a:b\nCause: c:d\n", "line 3: a second Cause line"),
        ("## Summary\na\n<!-- b\n## Impact\n", "line 3: this comment has no end"),
        ("<!-- b", "line 1: this comment has no end"),
        ("\n<!-- b", "line 2: this comment has no end"),
        ("## " + "x" * 41, f'line 1: no section "{"x" * 40}"'),
        ("## Impact\n## impact", 'line 2: "impact" stands here a second time'),
        ("# Title\n# Other\n## Summary\nx\n# Last\n", 'line 5: no section "Last"'),
    ],
)
def test_a_mistake_is_named_by_its_line(text: str, what: str) -> None:
    with pytest.raises(CommandError) as caught:
        read_document(text)
    assert caught.value.what == what
    assert caught.value.fix


def test_a_line_that_looks_like_structure_is_kept_as_text() -> None:
    text = "## b\n# a\n### c\nCause: d\n\\## e"
    draft = Draft(summary=text, root_cause=text)
    lines = document(draft, "T").split("\n")
    summary, cause = lines.index("## Summary"), lines.index("## Root cause")
    assert lines[summary + 1 : summary + 6] == ["\\## b", "\\# a", "### c", "Cause: d", "\\\\## e"]
    assert lines[cause + 1 : cause + 7] == ["Cause: ", "\\## b", "\\# a", "### c", "\\Cause: d", "\\\\## e"]
    assert read_document("\n".join(lines)) == draft


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", '""'),
        ("a", "a"),
        ("a\nb\\n", "a\\nb\\\\n"),
        ("'a", '"\'a"'),
        ('"a', "'\"a'"),
        ('a"', '"a""'),
        ('"', "'\"'"),
    ],
)
def test_a_text_on_one_line_is_quoted_only_where_quotes_or_nothing_end_it(text: str, line: str) -> None:
    assert escaped(text) == line
    assert unescaped(line) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [('"', '"'), ("\"a'", "\"a'"), ("'a", "'a"), ("a'", "a'"), ("'a'", "a"), ("xax", "xax"), ("\\t", "\\t")],
)
def test_other_quotes_and_backslashes_stay(line: str, text: str) -> None:
    assert unescaped(line) == text


def test_a_draft_is_never_changed_in_place() -> None:
    for item, name in ((Draft(), "summary"), (Action("x", ""), "what")):
        assert not hasattr(item, "__dict__")
        with pytest.raises(FrozenInstanceError):
            setattr(item, name, "y")


def test_saving_writes_only_what_changed() -> None:
    before = document(Draft(summary="It broke.", timeline="03:01 page"), "T")
    assert saving_lines(before, before) == []
    after = before.replace("It broke.", 'It broke\nbecause of "x"')
    saved = saving_lines(before, after)
    assert saved == ['postmortem set summary "It broke\\nbecause of "x""']
    assert unescaped(saved[0].removeprefix("postmortem set summary ")) == 'It broke\nbecause of "x"'
    emptied = before.replace("03:01 page", "")
    assert saving_lines(before, emptied) == ['postmortem set timeline ""']


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        (
            "- alert on age (Lee)\n- limit per client, owner: Sam",
            [("alert on age", "Lee"), ("limit per client", "Sam")],
        ),
        ("alert on age (owner: Lee); canary @sam", [("alert on age", "Lee"), ("canary", "sam")]),
        ("2. [x] review f(x) first", [("review f(x) first", "")]),
        ("(Lee)", [("(Lee)", "")]),
        ("a canary (" + "x" * 40 + ")", [("a canary", "x" * 40)]),
        ("a canary (" + "x" * 41 + ")", [("a canary (" + "x" * 41 + ")", "")]),
        (" ; -\n* ", []),
    ],
)
def test_actions_name_their_owners(text: str, actions: list[tuple[str, str]]) -> None:
    assert [(item.what, item.owner) for item in actions_in(text)] == actions


def test_fields_have_the_names_that_people_use() -> None:
    assert field_named("root-cause") == field_named("Root Cause") == "root_cause"
    assert field_named("well") == "went_well"
    with pytest.raises(CommandError, match="no field") as caught:
        field_named("impct")
    assert "impact" in caught.value.fix
    with pytest.raises(CommandError, match=f'no field "{"x" * 40}"'):
        field_named("x" * 41)


def test_a_field_holds_so_much_and_no_more() -> None:
    assert len(Draft().with_value("impact", "x" * FIELD_MAX_CHARS).impact) == FIELD_MAX_CHARS
    with pytest.raises(CommandError, match="impact: 12001 characters"):
        Draft().with_value("impact", "x" * (FIELD_MAX_CHARS + 1))
