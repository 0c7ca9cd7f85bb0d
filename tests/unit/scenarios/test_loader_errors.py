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


BEYOND = [
    ("drill: 30m", "drill: 13h", "12:35: drill: 13h is beyond reason"),
    ("joins_by: 8h", "joins_by: 100d", "12:69: joins_by: 100d is beyond reason"),
    ("at: 10m..12m", "at: 99999d", "16:9: at: 99999d is beyond reason"),
    ("at: 10m..12m", "at: 10m..91d", "16:9: at: 91d is beyond reason"),
    ("knows: The", "review_at: 91d, knows: The", "19:50: review_at: 91d is beyond reason"),
    ("wait: 90s", "wait: 31m", "24:11: this wait is longer than the drill"),
    ("wait: 90s", f"wait: {'9' * 400}d", '24:11: "wait": '),
    ("at: 10m..12m", f"at: {'9' * 400}d", '16:9: "at": '),
    ("replicas: 4", f"replicas: 1..{'9' * 400}", "9:33: 1..999"),
    ("memory_limit: 4Gi..6Gi", f"memory_limit: {'9' * 400}Gi", '10:44: "memory_limit": '),
    ("id: slow-store", f"id: {'a' * 81}", '2:5: "id": an id of 81 characters; at most 80'),
    ("title: The store is slow", 'title: "\\e[2J"', "3:8: a control character, U+001B, at character 1"),
    ("  - ack\n", '  - "ack\\a"\n', "23:5: a control character, U+0007, at character 4"),
    ("replicas: 4", f"replicas: {'9' * 5000}", "9:33: a number of 5000 digits is too large\n"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), BEYOND, ids=[message[:24] for _, _, message in BEYOND])
def test_what_would_make_a_run_that_nobody_can_read_is_refused_on_loading(
    write: Write, scenario_text: str, right: str, wrong: str, message: str
) -> None:
    path = write(scenario_text.replace(right, wrong, 1))
    with pytest.raises(ContentError) as caught:
        load_scenario(str(path))
    assert f"drill.yaml:{message}" in str(caught.value)
    assert len(str(caught.value)) < 600 + len(str(path))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("at: 10m..12m", "at: 10m..90d"),
        ("knows: The", "review_at: 90d, knows: The"),
        ("wait: 90s", "wait: 30m"),
        ("id: slow-store", f"id: {'a' * 80}"),
    ],
)
def test_what_is_just_within_the_limits_loads(write: Write, scenario_text: str, right: str, wrong: str) -> None:
    assert load_scenario(str(write(scenario_text.replace(right, wrong, 1))))


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
