"""Who plays what, and what they ought to get: from names, files, their names and their first lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_platform.errors import ContentError
from scenarios.compile import to_drill
from scenarios.players import BUILT_IN, SHIPPED, load_responder, load_responders
from simulator.drill.spec import Step
from tests.content.short_drill import short_scenario


def _file(folder: Path, name: str, text: str = "player: mine\nsteps: [ack, {wait: 2m}]\n") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_responders_that_ship_state_what_they_ought_to_get() -> None:
    found = {item.name: item.expected for item in load_responders([SHIPPED])}
    assert list(found) == list(BUILT_IN)
    assert found.pop("expert") == "strong"
    assert set(found.values()) == {"no"}


@pytest.mark.parametrize("band", ["strong", "lean", "no"])
def test_the_first_line_may_state_the_expected_verdict(tmp_path: Path, band: str) -> None:
    path = _file(tmp_path, "p.yaml", f"# expected: {band}\nplayer: p\nsteps: []\n")
    assert load_responder(path).expected == band


def test_a_field_may_state_it_too(tmp_path: Path) -> None:
    path = _file(tmp_path, "p.yaml", "player: p\nexpected: lean\ndrill: some-drill\nsteps: []\n")
    found = load_responder(path)
    assert (found.expected, found.drill) == ("lean", "some-drill")


def test_without_a_statement_anything_goes_on_any_drill(tmp_path: Path) -> None:
    path = _file(tmp_path, "p.yaml", "# a note\n# expected: no\nplayer: p\nsteps: []\n")
    found = load_responder(path)
    assert (found.expected, found.drill) == (None, "")


def test_the_name_of_a_file_may_state_the_drill(tmp_path: Path) -> None:
    assert load_responder(_file(tmp_path, "some-drill--mine.yaml")).drill == "some-drill"
    assert load_responder(_file(tmp_path, "just-mine.yaml")).drill == ""


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.yaml", "# expected: storng\nplayer: p\nsteps: []\n",
         'p.yaml:1:13: "storng" is no verdict\n  did you mean "strong"?'),
        ("p.yaml", "# expected:\nplayer: p\nsteps: []\n", 'p.yaml:1:12: "" is no verdict\n  valid: lean, no, strong'),
        ("p.yaml", "# expected: no\nplayer: p\nexpected: lean\nsteps: []\n",
         'p.yaml:3:11: expected is "lean"\n  the first line says no\n  make them agree'),
        ("a--p.yaml", "player: p\ndrill: b\nsteps: []\n",
         'a--p.yaml:2:8: this player is for "b"\n  the file\'s name says a\n  make them agree'),
        ("p.yaml", "player: p\nexpected: maybe\nsteps: []\n", 'p.yaml:2:11: "expected" cannot be "maybe"'),
        ("p.yaml", "player: p\ndrill: Big One\nsteps: []\n", 'p.yaml:2:8: "drill": \'Big One\' is not an id'),
    ],
)  # fmt: skip
def test_a_wrong_statement_is_named_with_its_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ContentError) as caught:
        load_responder(_file(tmp_path, name, text))
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(message)


def test_a_folder_is_everybody_below_it(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    _file(tmp_path / "more", "b.yml", "player: b\nsteps: []\n")
    _file(tmp_path, "a.yaml", "player: a\nsteps: []\n")
    _file(tmp_path, "notes.txt", "nothing\n")
    assert [item.name for item in load_responders([str(tmp_path), "idle"])] == ["a", "b", "idle"]


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no player in this folder"):
        load_responders([str(tmp_path)])


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("x--a.yaml", "y--a.yaml", False),
        ("x--a.yaml", "x--b.yaml", True),
        ("x--a.yaml", "b.yaml", True),
        ("b.yaml", "x--a.yaml", True),
    ],
)
def test_two_of_one_name_may_not_meet_on_a_drill(tmp_path: Path, first: str, second: str, clash: bool) -> None:
    refs = [str(_file(tmp_path, name)) for name in (first, second)]
    if not clash:
        assert len(load_responders(refs)) == 2
        return
    with pytest.raises(ContentError, match=f'{second}: player "mine" is already .*{first}'):
        load_responders(refs)


def test_a_script_may_not_take_the_name_of_a_responder_that_ships(tmp_path: Path) -> None:
    path = _file(tmp_path, "p.yaml", "player: idle\nsteps: []\n")
    with pytest.raises(ContentError, match='player "idle" is already a responder that ships'):
        load_responders(["idle", str(path)])


def test_an_unknown_responder_suggests_the_nearest() -> None:
    with pytest.raises(ContentError, match='did you mean "shipped"'):
        load_responders(["shiped"])


def test_players_type_their_steps_on_their_drill_only(tmp_path: Path) -> None:
    drill = to_drill(short_scenario(), 1)
    mine = load_responder(_file(tmp_path, "short-shift--mine.yaml"))
    assert mine.plays(drill)
    assert mine.steps(drill) == (Step("ack", 0.0), Step("", 120.0))
    assert not load_responder(_file(tmp_path, "other--mine.yaml")).plays(drill)


def test_nobody_plays_the_expert_of_a_drill_that_has_none() -> None:
    text = short_scenario().source_text
    drill = to_drill(short_scenario(text[: text.index("expert:")]), 1)
    playing = [item.name for item in load_responders([SHIPPED]) if item.plays(drill)]
    assert playing == [name for name in BUILT_IN if name != "expert"]
