"""`regress`, `scenarios prove`, `scenarios new` and `scenarios faults` as their callers see them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scenarios.fleet import Message
from scenarios.lint import lint
from scenarios.loader import fault_models
from tests.content.short_drill import TEXT
from tui.cli import main
from tui.commands import regress

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in a folder with one drill and two players: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "short.yaml").write_text(TEXT)
    (tmp_path / "players").mkdir()
    (tmp_path / "players" / "short-shift--sleeper.yaml").write_text("# expected: no\nplayer: sleeper\nsteps: []\n")
    (tmp_path / "players" / "looker.yaml").write_text("player: looker\nsteps: [ack, slo]\n")

    def ran(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capfd.readouterr()
        return code, said.out, said.err

    return ran


REGRESS = ("regress", "drills", "--players", "players", "--seeds", "1-2", "--workers", "1")


def test_a_regression_prints_a_table_and_writes_what_machines_read(run: Run, tmp_path: Path) -> None:
    code, out, err = run(*REGRESS, "--json", "r.json", "--junit", "r.xml")
    assert code == 0, err
    rows = [line.split() for line in out.splitlines()]
    assert [row[:4] for row in rows[1:]] == [["short-shift", "looker", "2", "-"], ["short-shift", "sleeper", "2", "no"]]
    assert "4 plays, all as expected" in err
    body = json.loads((tmp_path / "r.json").read_text())
    assert [(play["seed"], play["player"]) for play in body["plays"]] == [
        (1, "looker"), (1, "sleeper"), (2, "looker"), (2, "sleeper"),
    ]  # fmt: skip
    assert not {key for play in body["plays"] for key in play if "wall" in key}
    assert len(ElementTree.parse(tmp_path / "r.xml").getroot()[0]) == 4
    assert list((tmp_path / "data" / "regress").iterdir()) == []


def test_files_are_the_same_for_any_order_and_number_of_workers(run: Run, tmp_path: Path) -> None:
    run(*REGRESS, "--json", "a.json", "--junit", "a.xml")
    turned = ("regress", "drills/short.yaml", "--players", "players/looker.yaml")
    more = ("--players", "players/short-shift--sleeper.yaml", "--seeds", "2,1", "--workers", "3")
    run(*turned, *more, "--json", "b.json", "--junit", "b.xml")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()


def test_another_verdict_than_stated_is_exit_code_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "players" / "looker.yaml").write_text("player: looker\nexpected: strong\nsteps: [ack, slo]\n")
    code, _, err = run(*REGRESS)
    assert code == 1
    assert "short-shift seed 1 looker: no " in err
    assert "2 of 4 plays are not as they should be" in err


def test_a_moved_score_names_the_first_event_that_differs(run: Run, tmp_path: Path) -> None:
    assert run(*REGRESS, "--json", "a.json")[0] == 0
    assert run(*REGRESS, "--baseline", "a.json")[0] == 0
    more = ["ack", "slo", "store info", "severity SEV2 everybody waits", "store config set appendfsync everysec"]
    (tmp_path / "players" / "looker.yaml").write_text(json.dumps({"player": "looker", "steps": more}))
    code, _, err = run(*REGRESS, "--baseline", "a.json")
    assert code == 1
    [said] = [line for line in err.split("\n") if "short-shift seed 1 looker: " in line]
    assert ", was no " in said
    assert "first event that differs: " in err
    assert '"line":"store info"' in err
    assert "sleeper:" not in err


def test_an_interrupted_regression_keeps_what_is_done_and_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*REGRESS, "--json", "whole.json")
    messages = regress._messages

    def interrupted(*arguments: object) -> Iterator[Message]:
        done = 0
        for message in messages(*arguments):  # type: ignore[arg-type]
            yield message
            done += message.task is not None
            if done == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(regress, "_messages", interrupted)
    code, out, err = run(*REGRESS, "--json", "cut.json")
    assert (code, out) == (130, "")
    assert "3 of 4 plays are kept; the same command goes on with the others" in err
    assert not (tmp_path / "cut.json").exists()
    monkeypatch.setattr(regress, "_messages", messages)
    code, _, err = run(*REGRESS, "--json", "cut.json")
    assert code == 0
    assert "going on: 3 of 4 plays were done before" in err
    assert (tmp_path / "cut.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.yaml",), "no such file"),
        (("--players", "nobody"), 'no player "nobody"'),
        (("--seeds", "9-1"), 'seeds: "9-1" is no range'),
        (("--baseline", "gone.json"), "the baseline cannot be read"),
        (("--junit", "gone/r.xml"), "results cannot be written there"),
        (("--ray", "local"), "Ray is not installed"),
    ],
)
def test_a_mistake_is_exit_code_two(run: Run, arguments: tuple[str, ...], message: str) -> None:
    if "--ray" in arguments:
        try:
            import ray  # noqa: F401
        except ImportError:
            pass
        else:
            return
    code, out, err = run("regress", *(() if arguments[0].endswith("yaml") else ("drills",)), *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_proof_that_fails_tells_the_author_what_to_do(run: Run) -> None:
    code, out, err = run("scenarios", "prove", "drills/short.yaml", "--seeds", "1", "--workers", "1")
    assert code == 1
    assert "FAILS  the expert is Strong" in out
    assert "improve the expert script: " in out
    assert "holds  a page calls the responder" in out
    assert "holds  without the fault it is quiet" in out
    assert "proofs fail" in err


def test_a_proof_as_json_holds_every_proof(run: Run) -> None:
    code, out, _ = run("scenarios", "prove", "drills/short.yaml", "--seeds", "1", "--workers", "1", "--json")
    body = json.loads(out)
    assert code == 1
    assert (body["scenario"], body["seeds"], body["proven"]) == ("short-shift", 1, False)
    assert {"what", "seed", "holds", "found", "fix"} == set(body["proofs"][0])
    assert any(proof["what"] == "guess-all is at most No" and proof["holds"] for proof in body["proofs"])


def test_what_does_not_lint_is_not_proven(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "drills" / "short.yaml"
    path.write_text(TEXT.replace("  - ack\n", "  - frobnicate\n"))
    code, out, err = run("scenarios", "prove", str(path))
    assert (code, out) == (2, "")
    assert "frobnicate: command not found" in err


@pytest.mark.parametrize("fault", sorted(fault_models()))
def test_a_new_drill_lints_whatever_breaks(run: Run, tmp_path: Path, fault: str) -> None:
    code, out, err = run("scenarios", "new", "--fault", fault, "--yes")
    assert code == 0, err
    path = tmp_path / out.strip()
    assert path.name == fault.replace(".", "-").replace("_", "-") + ".yaml"
    assert lint(str(path)) == []


def test_a_new_drill_runs(run: Run) -> None:
    _, out, _ = run(
        "scenarios", "new", "mine.yaml", "--yes", "--at", "1m", "--drill", "15m", "--title", 'A "slow" store: 在线'
    )
    code, out, err = run("play", "mine.yaml", "--player", "expert", "--json")
    assert code in (0, 1), err
    assert json.loads(out)["scenario"] == "online-store-slow"


def test_new_asks_and_asks_again(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        "online_store.slwo",
        "online_store.slow",
        "Bad Id",
        "my-drill",
        "",
        "boss",
        "senior",
        "",
        "",
        "later",
        "9h",
        "5m",
        "1m",
        "20m",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    code, out, err = run("scenarios", "new")
    assert (code, out) == (0, "my-drill.yaml\n"), err
    for message in (
        'did you mean "online_store.slow"',
        '"Bad Id" is no id',
        'no level "boss"',
        "'later' is not a duration",
        "9h is after the responder has joined",
        "1m is beyond reason",
    ):
        assert message in err
    text = (tmp_path / "my-drill.yaml").read_text()
    assert "level: senior\n" in text
    assert "    at: 5m\n" in text


def test_nobody_answering_is_an_interruption(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("online_store.slow\nmy-drill\n"))
    code, out, _ = run("scenarios", "new")
    assert (code, out) == (130, "")
    assert not (tmp_path / "my-drill.yaml").exists()


def test_new_never_replaces_a_file_unasked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")
    code, _, err = run("scenarios", "new", "mine.yaml", "--yes")
    assert code == 2
    assert "this file is there already" in err
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert run("scenarios", "new", "mine.yaml", "--yes", "--force")[0] == 0


def test_faults_say_names_cures_units_ranges_and_defaults(run: Run) -> None:
    code, out, _ = run("scenarios", "faults")
    assert code == 0
    for words in (
        "accepted   online-store:slow_dependency, online-store:config_error",
        "cured by   store config set appendfsync everysec",
        "sync_ms: a number (milliseconds) above 0 to 5000, default 120",
        "partition: a whole number from 0 below 8, default 3",
        "lasts: a duration such as 15m from 1m to 7d, default 1h",
        "source: one of clicks, payments",
    ):
        assert words in out
    assert all(f"\n{name}  " in f"\n{out}" for name in fault_models())


def test_faults_as_json_by_name(run: Run) -> None:
    _, out, _ = run("scenarios", "faults", "traffic.surge", "--json")
    [(name, card)] = json.loads(out).items()
    assert name == "traffic.surge"
    assert card["accepted"][0] == "traffic:traffic_spike"
    assert card["schema"]["additionalProperties"] is False
    assert run("scenarios", "faults", "traffic.sruge")[0] == 2
