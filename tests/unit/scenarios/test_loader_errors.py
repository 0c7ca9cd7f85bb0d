"""Every mistake an author can make is answered with its place, its reason and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from reference_platform.errors import ContentError
from scenarios.loader import load_scenario

Write = Callable[[str], Path]

MISTAKES = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["wrong"][:30])
def test_a_mistake_is_named_with_line_and_column(write: Write, scenario_text: str, mistake: dict[str, str]) -> None:
    assert mistake["right"] in scenario_text
    path = write(scenario_text.replace(mistake["right"], mistake["wrong"], 1))
    with pytest.raises(ContentError) as caught:
        load_scenario(str(path))
    assert str(caught.value).replace(f"{path.parent}/", "") == f"drill.yaml:{mistake['message']}"


def test_the_scenario_without_a_mistake_loads(write: Write, scenario_text: str) -> None:
    assert load_scenario(str(write(scenario_text))).scenario.id == "slow-store"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"nowhere\.yaml: no such file"):
        load_scenario(str(tmp_path / "nowhere.yaml"))


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    folder = tmp_path / "drill.yaml"
    folder.mkdir()
    with pytest.raises(ContentError, match="this is a folder"):
        load_scenario(str(folder))


def test_an_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(ContentError) as caught:
        load_scenario("helthy-night")
    assert str(caught.value) == (
        'no scenario "helthy-night"\n  did you mean "healthy-night"?   list them: pagerdrill scenarios list'
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the document is empty"),
        (b"# only a comment\n", "the document is empty"),
        (b"\x7fELF\x00\x01", "a character that YAML does not allow"),
        (b"title: \xff\xfe\n", "byte 0xff is not UTF-8"),
        (b"- a list\n", "input should be an object"),
        (b"a: " + b"x" * (600 * 1024), "the file is larger than"),
        (b"a: [[[[", "did not find expected node content"),
        (b"a: &x [*x]\n", "too many values once aliases are expanded"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "drill.yaml"
    path.write_bytes(raw)
    with pytest.raises(ContentError) as caught:
        load_scenario(str(path))
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_broken_platform_file_is_blamed_itself(write: Write, scenario_text: str) -> None:
    path = write(scenario_text)
    platform = path.parent / "platform.yaml"
    platform.write_text(platform.read_text().replace("pool: gpu", "pol: gpu", 1))
    with pytest.raises(ContentError, match=r"platform\.yaml:4:19: unknown key \"pol\""):
        load_scenario(str(path))
