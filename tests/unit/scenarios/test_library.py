"""Finding scenarios and players by name or path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reference_platform.errors import ContentError
from scenarios.library import entries, find
from scenarios.lint import lint
from scenarios.players import BUILT_IN, load_player

Write = Callable[[str], Path]


def test_two_files_with_one_id_are_both_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "family").mkdir(exist_ok=True)
        (tmp_path / "family" / name).write_text("title: T\nid: same\n")
    with pytest.raises(ContentError) as caught:
        entries(tmp_path)
    folder = tmp_path / "family"
    assert str(caught.value).startswith(f'{folder}/b.yaml:2:5: id "same" is already used by {folder}/a.yaml')


def test_a_broken_body_hides_no_other_scenario_from_the_list(tmp_path: Path) -> None:
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / "a.yaml").write_text("id: a\nfaults: nonsense\n")
    (tmp_path / "family" / "b.yaml").write_text("id: b\n")
    assert [entry.scenario_id for entry in entries(tmp_path)] == ["a", "b"]


def test_a_path_wins_over_an_id(write: Write, scenario_text: str) -> None:
    path = write(scenario_text)
    assert find(str(path)) == path


def test_a_scenario_outside_the_repository_is_checked_like_any_other(write: Write, playable_text: str) -> None:
    assert lint(str(write(playable_text))) == []


def test_lint_names_every_problem_of_a_folder(write: Write, playable_text: str) -> None:
    first = write(playable_text.replace("10m..12m", "9h"))
    (first.parent / "second.yaml").write_text(playable_text.replace("mlops", "mlop"))
    (first.parent / "player.yaml").write_text("player: nobody\nsteps: nonsense\n")
    problems = [str(problem).replace(f"{first.parent}/", "") for problem in lint(str(first.parent))]
    assert [problem.partition("\n")[0] for problem in problems] == [
        "drill.yaml:16:9: this fault begins after the drill is over",
        'second.yaml:4:8: "level" cannot be "mlop"',
    ]


@pytest.mark.parametrize("name", BUILT_IN)
def test_responders_that_ship_need_no_file(name: str) -> None:
    assert load_player(name) is None


def test_a_player_script_is_read_from_any_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("player: mine\nsteps: [ack, {wait: 2m}]\n")
    script = load_player(str(path))
    assert script is not None
    assert [(step.command, step.wait) for step in script.steps] == [("ack", 0.0), ("", 120.0)]


def test_an_unknown_player_suggests_the_nearest() -> None:
    with pytest.raises(ContentError, match='did you mean "expert"'):
        load_player("exprt")
