"""The audit trail: what it holds, what it never holds, and that changes of it show."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from reference_platform.errors import ConfigError
from reference_platform.features.governance.audit import DENIED, SUBJECTS_MAX, AuditTrail, Read, pseudonym
from reference_platform.features.governance.audit_check import records, verify
from reference_platform.features.governance.audit_file import FileLimits, closed_files

CHURN = Read("churn", ("profile:age", "profile:pii:email"))
KEY = b"a key of the auditors"


def _append(trail: AuditTrail, at_us: int = 1, read: Read = CHURN, **changed: object) -> None:
    arguments: dict[str, object] = {"role": "support", "purpose": "tickets", "rows": 3, "denied": 0}
    trail.append(at_us=at_us, read=read, **(arguments | changed))  # type: ignore[arg-type]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _of_kind(path: Path, kind: str) -> list[dict[str, object]]:
    return [record for record in records(path) if record["kind"] == kind]


def test_a_record_says_who_why_when_what_and_how_many(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        _append(trail, at_us=7, denied=2)
        _append(trail, at_us=8, read=DENIED, role="", purpose="")
    (names, empty) = _of_kind(path, "names")
    assert (names["service"], names["features"]) == ("churn", ["profile:age", "profile:pii:email"])
    first, second = _of_kind(path, "read")
    assert {key: first[key] for key in ("at_us", "role", "purpose", "rows", "denied", "read")} == {
        "at_us": 7, "role": "support", "purpose": "tickets", "rows": 3, "denied": 2, "read": names["read"],
    }  # fmt: skip
    assert second["read"] == empty["read"] == DENIED.digest
    assert verify(path).intact


def test_what_a_read_touches_is_named_once_a_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        for index in range(50):
            _append(trail, at_us=index)
    assert len(_of_kind(path, "names")) == 1
    assert len(_of_kind(path, "read")) == 50


def test_nothing_is_written_before_the_buffer_is_full_or_flushed(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    trail = AuditTrail(path, buffer_records=3)
    _append(trail)
    _append(trail)
    assert _of_kind(path, "read") == []
    _append(trail)
    assert len(_of_kind(path, "read")) == 3
    _append(trail)
    trail.flush()
    assert len(_of_kind(path, "read")) == 4
    trail.close()


def test_pseudonyms_are_equal_for_equal_keys_and_need_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, key=KEY) as trail:
        one, two, text = trail.pseudonyms([17, 18, "17"])
        assert len({one, two, text, *AuditTrail(tmp_path / "other.jsonl", key=b"x").pseudonyms([17])}) == 4
        _append(trail, subjects=[one] * (SUBJECTS_MAX + 1))
    assert one == pseudonym(KEY, 17)
    (read,) = _of_kind(path, "read")
    assert read["subjects"] == [one] * SUBJECTS_MAX
    assert read["subjects_left_out"] == 1
    with pytest.raises(ConfigError, match="need a key"):
        AuditTrail(tmp_path / "plain.jsonl").pseudonyms([1])


def test_words_from_outside_cannot_break_a_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    hostile = 'x\n{"seq":0}\u2028"\\\ud800\0' + "y" * 10_000
    with AuditTrail(path) as trail:
        _append(trail, role=hostile, purpose=hostile, rows=1 << 70)
    assert verify(path).intact
    (read,) = _of_kind(path, "read")
    assert str(read["role"]).startswith("x\n{")
    assert len(str(read["role"])) < 300


def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for start in range(3):
        with AuditTrail(path, key=KEY) as trail:
            _append(trail, at_us=start)
    report = verify(path, key=KEY)
    assert report.intact
    assert [record["at_us"] for record in _of_kind(path, "read")] == [0, 1, 2]
    assert [record["seq"] for record in records(path)] == list(range(report.records))


def test_a_torn_last_record_is_reported_cut_off_and_recorded(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        _append(trail)
        _append(trail)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    torn = verify(path)
    assert torn.intact
    assert torn.torn_bytes == len(_lines(path)[-1])
    with AuditTrail(path) as trail:
        assert trail.torn_bytes == torn.torn_bytes
        _append(trail, at_us=9)
    (note,) = _of_kind(path, "torn")
    assert note["bytes"] == torn.torn_bytes
    assert verify(path).intact
    assert verify(path).torn_bytes == 0


def test_a_file_torn_inside_its_first_record_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    AuditTrail(path).close()
    path.write_bytes(path.read_bytes()[:30])
    with AuditTrail(path) as trail:
        _append(trail)
    assert verify(path).intact
    assert len(_of_kind(path, "torn")) == 1


def test_the_first_changed_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        for index in range(5):
            _append(trail, at_us=index)
    lines = _lines(path)
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b'"rows":3', b'"rows":2'), *lines[4:]]))
    report = verify(path)
    assert report.where == "audit.jsonl:4"
    assert report.problem == "record 3 was changed, or is sealed with another key"
    assert report.records == 3
    assert "after 3 good records" in report.to_text()


def test_a_chain_rewritten_without_the_key_does_not_verify(tmp_path: Path) -> None:
    path, forged = tmp_path / "audit.jsonl", tmp_path / "forged.jsonl"
    for target, key in ((path, KEY), (forged, b"guess")):
        with AuditTrail(target, key=key) as trail:
            _append(trail)
    assert verify(path, key=KEY).intact
    assert not verify(path).intact
    assert verify(forged, key=KEY).where == "forged.jsonl:1"


def test_a_trail_cut_short_shows_against_a_published_head(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        _append(trail)
        early = (trail.flush(), trail.head())[1]
        _append(trail, at_us=2)
        trail.flush()
        head = trail.head()
    assert verify(path, head=early).intact
    assert verify(path, head=head).intact
    path.write_bytes(b"".join(_lines(path)[:-1]))
    assert verify(path).intact
    assert "cut short" in verify(path, head=head).problem
    with AuditTrail(path) as trail:
        _append(trail, at_us=3)
    assert "not the one that was published" in verify(path, head=head).problem


def test_rotation_continues_the_chain_and_keeps_a_bounded_number_of_files(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    limits = FileLimits(file_bytes_max=3000, files_max=3)
    with AuditTrail(path, buffer_records=4, limits=limits) as trail:
        for index in range(120):
            _append(trail, at_us=index)
    report = verify(path)
    assert report.intact
    assert report.files == 4
    assert report.dropped_files > 3
    assert len(closed_files(path)) == 3
    assert all(file.stat().st_size <= 3000 for file in closed_files(path).values())
    assert "older files were deleted" in report.to_text()
    kept = [record["at_us"] for record in _of_kind(path, "read")]
    assert kept == list(range(int(str(kept[0])), 120))
    assert all(json.loads(_lines(file)[1])["kind"] == "names" for file in closed_files(path).values())


def test_a_missing_closed_file_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, buffer_records=2, limits=FileLimits(file_bytes_max=2000)) as trail:
        for index in range(60):
            _append(trail, at_us=index)
    closed = list(closed_files(path).values())
    oldest = closed[0].read_bytes()
    closed[0].unlink()
    assert "oldest files are missing" in verify(path).problem
    closed[0].write_bytes(oldest)
    assert verify(path).intact
    closed[2].unlink()
    assert verify(path).where == f"{closed[3].name}:1"


def test_a_crash_between_closing_a_file_and_opening_the_next_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        _append(trail)
    path.rename(tmp_path / "audit.000001.jsonl")
    with AuditTrail(path) as trail:
        _append(trail, at_us=2)
    assert verify(path).intact
    assert verify(path).files == 2


def test_two_processes_share_one_chain(tmp_path: Path) -> None:
    """Two trails over one path stand for two processes: neither knows what the other wrote."""
    path = tmp_path / "audit.jsonl"
    limits = FileLimits(file_bytes_max=4000)
    with AuditTrail(path, buffer_records=2, limits=limits) as one, AuditTrail(path, limits=limits) as two:
        for index in range(40):
            _append(one, at_us=index)
            if index % 5 == 0:
                _append(two, at_us=1000 + index)
                two.flush()
    report = verify(path)
    assert report.intact
    assert len(_of_kind(path, "read")) == 48


def test_threads_share_one_trail(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, buffer_records=7) as trail:
        threads = [
            threading.Thread(target=lambda: [_append(trail, at_us=index) for index in range(200)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verify(path).intact
    assert len(_of_kind(path, "read")) == 800


def test_a_trail_that_was_tampered_with_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        _append(trail)
    path.write_bytes(path.read_bytes().replace(b'"rows":3', b'"rows":4'))
    with pytest.raises(ConfigError, match="does not end in a record that verifies"):
        AuditTrail(path)


def test_a_trail_that_cannot_be_written_is_a_config_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        AuditTrail(blocked / "audit.jsonl")
    with pytest.raises(ConfigError, match="no audit trail"):
        verify(tmp_path / "nothing.jsonl")


def test_acts_that_are_no_reads_are_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    trail = AuditTrail(path)
    trail.note(at_us=5, kind="override", text="agreed with growth", role="ann", about=["profile:age"])
    (note,) = _of_kind(path, "override")
    assert (note["text"], note["role"], note["about"]) == ("agreed with growth", "ann", ["profile:age"])
    trail.close()
