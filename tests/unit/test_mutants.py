"""The mutation tool: which changes it makes, and that a change reaches those who hold the original."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray")

from tests.mutants import covering, generate, results, scope, swap
from tests.mutants.covering import lines_run
from tests.mutants.runner import ASKED_S_MAX, Covered, affordable

SOURCE = '''\
"""A module."""

from __future__ import annotations

LIMIT = 3


def above(count: int | None, most: int = LIMIT) -> bool:
    """Whether there are too many."""
    return count is not None and count > most
'''


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of its own, in a repository of its own."""
    (tmp_path / "gauge.py").write_text(SOURCE, encoding="utf-8")
    for module in (generate, results, swap):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        if hasattr(module, "STATE"):
            monkeypatch.setattr(module, "STATE", tmp_path / "state")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "state" / "results.jsonl")
    return "gauge.py"


def test_mutants_change_meaning_and_never_annotations(path: str) -> None:
    found = generate.mutants_of(path)
    assert {(mutant.line, mutant.was == mutant.now) for mutant in found} == {(5, False), (10, False)}
    assert {mutant.now for mutant in found} >= {
        "LIMIT = 4",
        "return count is None and count > most",
        "return count is not None or count > most",
        "return count is not None and count >= most",
    }
    assert len({mutant.key for mutant in found}) == len(found)
    assert generate.mutants_of(path) == found, "the second time they are read from disk"


def test_a_mutant_reaches_who_holds_the_function_and_only_functions_can_be_swapped(path: str) -> None:
    space: dict[str, object] = {"__name__": "gauge"}
    file = str(generate.ROOT / path)
    exec(compile(SOURCE, file, "exec", dont_inherit=True), space)  # noqa: S102 - the text above
    held = space["above"]
    assert callable(held)
    by_change = {mutant.now: mutant for mutant in generate.mutants_of(path)}
    assert held(3) is False
    assert swap.swap_in(path, by_change["return count is not None and count >= most"].source())
    assert held(3) is True
    assert not swap.swap_in(path, by_change["LIMIT = 4"].source())


def test_a_kill_holds_and_a_survivor_is_asked_again_when_its_tests_change(path: str) -> None:
    mutant = generate.mutants_of(path)[0]
    tests = generate.ROOT / "test_gauge.py"
    tests.write_text("one", encoding="utf-8")
    killed = results.Outcome.of(mutant, "killed", "a test fails", {"test_gauge.py"})
    survived = results.Outcome.of(mutant, "survived", "1 tests pass", {"test_gauge.py"})
    unasked = results.Outcome.of(mutant, "survived", "no test runs it", ())
    assert (killed.still_holds(), survived.still_holds(), unasked.still_holds()) == (True, True, False)
    tests.write_text("two", encoding="utf-8")
    assert (killed.still_holds(), survived.still_holds()) == (True, False)
    for outcome in (killed, survived):
        results.keep(outcome)
    assert results.read_outcomes() == {mutant.key: survived}


def test_lines_that_run_are_seen_and_others_are_not() -> None:
    passed, lines = lines_run(["tests/mutants/swap.py"], lambda: swap.module_name("a/b.py") == "a.b")
    assert passed
    text = Path(swap.__file__).read_text(encoding="utf-8").splitlines()
    ran = [text[number - 1].strip() for number in sorted(lines["tests/mutants/swap.py"])]
    assert len(ran) == 1
    assert ran[0].startswith("return path.removesuffix")


def test_every_package_has_files_and_tests() -> None:
    for package in scope.PACKAGES:
        assert package.files(), package.name
        assert package.test_files(), package.name
        assert all((scope.ROOT / path).is_file() for path in (*package.files(), *package.test_files()))


def test_judgements_name_a_file_and_a_reason() -> None:
    for item in results.read_judged():
        assert (scope.ROOT / item.path).is_file()
        assert item.was != item.now
        assert len(item.because.split()) >= 3


def test_a_constant_is_asked_of_those_who_read_it_unless_something_reads_it_at_import(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(covering, "ROOT", generate.ROOT)
    monkeypatch.setattr(covering, "PROJECT", ("",))
    file = generate.ROOT / path
    assert covering.lines_that_read(path, 2, [path]) is None, "a default is read at import"
    file.write_text(SOURCE.replace("int = LIMIT", "int").replace("> most", "> LIMIT"), encoding="utf-8")
    assert covering.lines_that_read(path, 2, [path]) == {path: {10}}
    assert covering.lines_that_read(path, 2, []) is None, "it is read outside of the files that are watched"
    assert covering.lines_that_read(path, 3, [path]) is None, "a function is no constant"


@pytest.mark.parametrize(
    ("seconds", "asked"),
    [
        ([3.0, 1.0, 2.0], [1, 2, 0]),
        ([ASKED_S_MAX - 1.0, 1.0, 0.5], [2, 1]),
        ([ASKED_S_MAX - 1.0, 1.0], [1, 0]),
        ([2 * ASKED_S_MAX, 3 * ASKED_S_MAX], [0]),
        ([], []),
    ],
)
def test_the_quickest_tests_are_asked_first_and_one_in_any_case(seconds: list[float], asked: list[int]) -> None:
    covered = {str(number): Covered(each, passed=True) for number, each in enumerate(seconds)}
    assert affordable(covered, covered) == [str(number) for number in asked]
