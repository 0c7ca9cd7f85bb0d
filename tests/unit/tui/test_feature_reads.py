"""Reading at the terminal, who read, and who may."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reference_platform.features.store import FeatureStore
from tests.unit.tui.feature_shell import RATING, Run, refused

GRANT = """\
  - role: {role}
    purpose: call-back
    pii: [{pii}]
    expires: "{until}"
    granted_by: data-protection
    reason: asked to be called
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["driver_id"], "write NAME=VALUE"),
        (["=3"], "write NAME=VALUE"),
        (["driver_id=1001", "driver_id=1002"], "given twice"),
        (["driver_id=ann"], "no whole number"),
        (["driver_id=1001.5"], "no whole number"),
        (["driver_id="], "no whole number"),
        (["driver_id=1_001"], "no whole number"),
        (["driver_id=99999999999999999999"], "too large"),
        (["drver_id=1001"], 'no join key "driver_id"'),
        (["driver_id=1001", "more=1"], '"more" is no column'),
        ([], 'no join key "driver_id"'),
    ],
)
def test_a_bad_entity_is_named(words: list[str], said: str, rides: Path, run: Run) -> None:
    options = [option for word in words for option in ("-e", word)]
    refused(run, said, "get", RATING, *options)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pricng"], 'did you mean "pricing"?'),
        (["driver_stats:rting"], 'did you mean "driver_stats:rating"?'),
        (["driver_stats:phone"], "does not exist"),
        (["driver_stats:"], 'write "view:feature"'),
        ([RATING, RATING], "name each feature once"),
    ],
)
def test_a_feature_that_is_not_there_is_named(words: list[str], said: str, rides: Path, run: Run) -> None:
    refused(run, said, "get", *words, "-e", "driver_id=1001")


def test_values_are_json_whatever_they_are(rides: Path, run: Run) -> None:
    """NaN and infinities are no numbers in JSON."""
    options = ["-e", "driver_id=1001", "-e", "distance_km=nan", "-e", "euro_per_km=inf"]
    found = {one["feature"]: one["value"] for one in json.loads(run("get", "pricing", *options, "--json").out)}
    assert found["fare_eur"] == "NaN"


def test_an_entity_without_rows_is_told_where_rows_come_from(rides: Path, run: Run) -> None:
    done = run("get", RATING, "-e", "driver_id=5")
    assert done.code == 0
    assert "NOT_FOUND" in done.out
    assert "materialize-incremental" in done.err


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "-1", "1795441914", "2026-03-01T12:00:00+99:00"])
def test_what_is_no_instant_is_named(text: str, rides: Path, run: Run) -> None:
    refused(run, "is no instant", "audit", "--since", text)
    refused(run, "is no instant", "materialize", "--", text, "2026-03-01")


def test_a_time_that_is_empty_is_named(rides: Path, run: Run) -> None:
    refused(run, "nothing lies between", "audit", "--since", "2027-01-01", "--until", "2026-01-01")
    refused(run, "is empty", "materialize", "2026-01-02", "2026-01-01")


def test_views_may_stand_alone_and_are_known_before_any_is_touched(
    rides: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No instant begins with a letter."""
    assert run("materialize-incremental", "driver_stats", "driver_stats").out.count("driver_stats") == 1
    monkeypatch.setattr(FeatureStore, "materialize_incremental", None)
    refused(run, 'did you mean "driver_stats"?', "materialize-incremental", "driver_stats", "drver_stats")


def test_reads_show_the_newest_last(rides: Path, run: Run) -> None:
    for number in range(3):
        run("get", RATING, "-e", "driver_id=1001", "--role", f"role{number}", "--purpose", "pricing")
    run("get", "driver_stats:phone", "-e", "driver_id=1001", "--role", "nosy")
    lines = run("reads").out.splitlines()
    assert lines[0].split() == ["WHEN", "ROLE", "PURPOSE", "WHAT", "ROWS", "DENIED"]
    assert [line.split()[1] for line in lines[1:]] == ["role0", "role1", "role2", "nosy"]
    assert lines[3].split()[2:] == ["pricing", RATING, "1", "0"]
    assert lines[4].split()[2:] == ["-", "refused", "0", "1"]
    assert "phone" not in "".join(lines)
    (last,) = json.loads(run("reads", "--json", "-n", "1").out)
    assert (last["role"], last["what"], last["denied"]) == ("nosy", [], 1)


def test_a_trail_that_somebody_changed_is_exit_code_1(rides: Path, run: Run) -> None:
    run("get", RATING, "-e", "driver_id=1001", "--role", "support")
    assert "verify" in run("reads", "--verify").out
    path = Path("data/audit/reads.jsonl")
    path.write_text(path.read_text().replace("support", "nobody!"))
    done = run("reads", "--verify")
    assert done.code == 1
    assert "was changed" in done.out
    assert json.loads(run("reads", "--verify", "--json").out)["intact"] is False


def test_no_reads_are_said_to_be_none(rides: Path, run: Run) -> None:
    shutil.rmtree("data/audit")
    done = run("reads", "--json")
    assert (done.code, json.loads(done.out)) == (0, [])
    assert "nobody has read anything yet" in done.err
    refused(run, "there is no audit trail", "reads", "--verify")


def test_reads_survive_lines_that_are_none(rides: Path, run: Run) -> None:
    run("get", RATING, "-e", "driver_id=1001", "--role", "support")
    with Path("data/audit/reads.jsonl").open("ab") as stream:
        stream.write(b'nonsense\n[1]\n{"kind": "read"}\n\xff')
    done = run("reads")
    assert "support" in done.out
    assert "4 lines are no records" in done.err


def _grants(*entries: str) -> None:
    Path("feature_store.yaml").write_text("project: rides\ngrants: grants.yaml\n")
    Path("grants.yaml").write_text("grants:\n" + "".join(entries))


def test_grants_say_until_when_and_warn(rides: Path, run: Run) -> None:
    now = datetime.now(UTC)
    _grants(
        GRANT.format(role="later", pii="phone", until=(now + timedelta(days=300)).isoformat()),
        GRANT.format(role="soon", pii="phone", until=(now + timedelta(days=3, hours=1)).isoformat()),
        GRANT.format(role="past", pii="phone", until=(now - timedelta(days=3)).isoformat()),
        GRANT.format(role="typo", pii="phon", until=(now + timedelta(days=300)).isoformat()),
    )
    done = run("grants")
    assert [line.split()[0] for line in done.out.splitlines()] == ["ROLE", "past", "soon", "later", "typo"]
    assert "(ended)" in done.out.splitlines()[1]
    assert "ends soon: soon for call-back, 3 d from now" in done.err
    assert "later" not in done.err
    assert 'no field has pii "phon"\n  did you mean "phone"?' in done.err
    held = {one["role"]: one["holds"] for one in json.loads(run("grants", "--json").out)}
    assert held == {"later": True, "soon": True, "past": False, "typo": True}
    assert "warning: " in run("apply").err


def test_no_grants_are_said_to_be_none(rides: Path, run: Run) -> None:
    done = run("grants")
    assert done.code == 0
    assert "nobody may see personal data" in done.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("role:", "rol:"), 'unknown key "rol"'),
        (("2099-01-01T00:00:00Z", "soon"), "not an instant"),
        (("2099-01-01T00:00:00Z", "2099-01-01"), "without a zone"),
        (("[phone]", "[]"), "grants nothing"),
    ],
)
def test_mistakes_in_grants_are_named_before_anything_is_read(
    wrong: tuple[str, str], said: str, rides: Path, run: Run
) -> None:
    _grants(GRANT.format(role="support", pii="phone", until="2099-01-01T00:00:00Z").replace(*wrong))
    refused(run, said, "grants")
    refused(run, said, "get", "driver_stats:phone", "-e", "driver_id=1001", "--role", "support")
