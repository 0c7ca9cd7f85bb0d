from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NoReturn

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, field_validator

from reference_platform.documents import CHARS_MAX, DEPTH_MAX, DOCUMENT_BYTES_MAX, load_document, load_file, locate
from reference_platform.errors import ContentError

MARK = yaml.Mark("plan.yaml", 0, 2, 7, None, 0)


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    verb: Literal["open", "close"]
    after_s: float = 0.0
    note: str = ""

    @field_validator("after_s")
    @classmethod
    def _not_negative(cls, value: float) -> float:
        if value < 0:
            raise ValueError("must not be negative")
        return value


class Wait(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["wait"]
    for_s: float


class Call(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["call"]
    whom: str


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    steps: tuple[Step, ...] = ()
    named: dict[str, Step | None] = {}
    acts: list[Annotated[Wait | Call, Field(discriminator="kind")]] = []


class Anything(RootModel[dict[str, JsonValue]]):
    pass


def refused(text: str) -> ContentError:
    with pytest.raises(ContentError) as caught:
        load_document(text, Plan, "plan.yaml")
    return caught.value


def test_a_good_document_becomes_the_model() -> None:
    plan = load_document("name: night\nsteps:\n  - {verb: open, after_s: 3}\n", Plan, "plan.yaml")
    assert plan.steps[0].after_s == 3.0


def test_times_switch_words_and_dates_stay_text() -> None:
    plan = load_document("name: 12:30\nsteps: [{verb: open, note: on}, {verb: open, note: 2024-01-02}]", Plan, "p")
    assert (plan.name, plan.steps[0].note, plan.steps[1].note) == ("12:30", "on", "2024-01-02")


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("name: a\nstepz: []\n", "plan.yaml:2:1", 'did you mean "steps"?'),
        ("name: a\nsteps:\n  - verb: open\n    nota: x\n", "plan.yaml:4:5", 'did you mean "note"?'),
        ("name: a\nnamed:\n  x: {verb: open, nte: x}\n", "plan.yaml:3:19", 'did you mean "note"?'),
        ("steps: []\n", "plan.yaml:1:1", 'key "name" is missing'),
        ("name: a\nsteps:\n  - {after_s: 1}\n", "plan.yaml:3:5", 'key "verb" is missing'),
        ("name: a\nsteps:\n  - verb: opne\n", "plan.yaml:3:11", 'did you mean "open"?'),
        ("name: a\nsteps:\n  - {verb: open, after_s: -1}\n", "plan.yaml:3:27", "must not be negative"),
        ('name: a\nsteps:\n  - {verb: open, after_s: "1"}\n', "plan.yaml:3:27", 'found "1"'),
        ("name: a\nacts:\n  - {kind: cal, whom: x}\n", "plan.yaml:3:12", 'did you mean "call"?'),
        ("name: a\nacts:\n  - {kind: call, who: x}\n", "plan.yaml:3:18", 'did you mean "whom"?'),
        ("name: 5\n", "plan.yaml:1:7", "should be a valid string"),
        ("name: a\nname: b\n", "plan.yaml:2:1", "appears twice; first on line 1"),
        ("name: [a\n", "plan.yaml:2:1", "expected"),
        ("name: a\n\tsteps: []\n", "plan.yaml:2:1", "spaces"),
        ("", "plan.yaml:1:1", "empty"),
        ("- a\n", "plan.yaml:1:1", "found a list"),
        ("name: !!python/name:os.system x\n", "plan.yaml:1:7", "tag"),
        ("name: !!int x\n", "plan.yaml:1:7", "tag"),
        ("name: a\n<<: {a: 1}\n", "plan.yaml:2:1", "merge keys"),
        ("? [a]\n: 1\n", "plan.yaml:1:3", "a key must be text"),
        ("name: a\n---\nname: b\n", "plan.yaml:2:1", "another document"),
        ("name: a\x00b\n", "plan.yaml:1:8", "does not allow"),
    ],
)
def test_a_mistake_is_named_with_line_column_and_a_way_out(text: str, where: str, says: str) -> None:
    error = refused(text)
    assert error.where == where
    assert says in str(error)
    assert error.fix


def test_alias_bombs_and_self_references_are_refused() -> None:
    bomb = "name: a\na0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        bomb += f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 9) + "]\n"
    assert "aliases" in str(refused(bomb))
    assert "aliases" in str(refused("name: &n [*n]\n"))


@pytest.mark.parametrize(
    "text",
    ["name: " + "[" * 100_000, "name: " + "{a: " * 50_000, "- " * 3000, "".join(" " * n + "a:\n" for n in range(500))],
    ids=["lists", "mappings", "dashes", "indents"],
)
def test_deep_nesting_is_refused_before_it_can_exhaust_the_stack(text: str) -> None:
    error = refused(text)
    assert (error.what, error.fix) == ("nested more than 40 levels deep", "flatten it")


def test_the_limit_of_nesting_is_exact() -> None:
    assert DEPTH_MAX == 40
    assert "should be a valid string" in str(refused("name: " + "[" * 39 + "]" * 39))
    error = refused("name: " + "[" * 40 + "]" * 40)
    assert (error.what, error.where) == ("nested more than 40 levels deep", "plan.yaml:1:46")


@pytest.mark.parametrize(
    ("raised", "where"),
    [
        (yaml.MarkedYAMLError("while scanning", None, "exceeded maximum nesting depth", MARK), "plan.yaml:3:8"),
        (yaml.MarkedYAMLError(problem="maximum depth reached", problem_mark=MARK), "plan.yaml:3:8"),
        (RecursionError(), "plan.yaml:1:1"),
    ],
)
def test_a_parser_that_refuses_depth_itself_is_put_into_our_words(
    raised: Exception, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: object, **__: object) -> NoReturn:
        raise raised

    monkeypatch.setattr(yaml, "parse", parse)
    error = refused("name: a\n")
    assert (error.what, error.where, error.fix) == ("nested more than 40 levels deep", where, "flatten it")


def test_size_is_bounded(tmp_path: Path) -> None:
    assert "larger" in str(refused("#" * (DOCUMENT_BYTES_MAX + 1)))
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (DOCUMENT_BYTES_MAX + 1))
    with pytest.raises(ContentError, match="larger"):
        load_file(path, Plan)


def test_unreadable_files_are_content_errors_with_a_place(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    with pytest.raises(ContentError, match="no such file"):
        load_file(path, Plan)
    with pytest.raises(ContentError, match="folder"):
        load_file(tmp_path, Plan)
    path.write_bytes(b"name: a\nnote: \xff\n")
    with pytest.raises(ContentError, match="0xff") as caught:
        load_file(path, Plan)
    assert caught.value.where == f"{path}:2:7"


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert load_file(path, Plan).name == "a"


def test_aliases_multiply_no_text_without_end() -> None:
    long = "x" * (CHARS_MAX // 4)
    fine = f"a: &x {long}\nb: [*x, *x, *x]\n"
    assert len(load_document(fine, Anything, "f").root) == 2
    with pytest.raises(ContentError, match="f:1:4: too much text once aliases are expanded"):
        load_document(f"a: &x {long}\nb: [*x, *x, *x, *x]\n", Anything, "f")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("9" * 5000, "a number of 5000 digits is too large"),
        ("-" + "9" * 400, "a number of 400 digits is too large"),
        ("1e999", "the number 1e999 is too large"),
    ],
)
def test_a_number_beyond_all_numbers_is_named_as_written(number: str, said: str) -> None:
    with pytest.raises(ContentError, match=f"f:2:4: {said}\n  write a smaller number"):
        load_document(f"a: 1\nb: {number}\n", Anything, "f")


def test_locate_falls_back_to_the_nearest_parent() -> None:
    text = "name: a\nsteps:\n  - {verb: open}\n"
    assert locate(text, "plan.yaml", ("steps", 0, "verb")) == "plan.yaml:3:12"
    assert locate(text, "plan.yaml", ("steps", 0, "gone")) == "plan.yaml:3:5"
