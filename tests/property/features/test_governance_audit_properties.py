"""Whatever is done to the files of an audit trail, verifying it shows it; whatever a crash leaves, it goes on."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.governance.audit import AuditTrail, Read
from reference_platform.features.governance.audit_check import records, verify

READS = (Read("churn", ("a:b",)), Read("", ("c:d", "c:e")))


def _written(path: Path, count: int) -> bytes:
    with AuditTrail(path) as trail:
        for index in range(count):
            trail.append(at_us=index, role=f"r{index}", purpose="p", read=READS[index % 2], rows=index)
    return path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 6), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_any_changed_byte_shows(count: int, place: float, change: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        data = bytearray(_written(path, count))
        index = int(place * (len(data) - 1))
        data[index] ^= change
        path.write_bytes(bytes(data))
        assert not verify(path).intact


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_removed_repeated_and_reordered_records_show(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        lines = _written(path, 5).splitlines(keepends=True)
        changed = data.draw(st.lists(st.sampled_from(range(len(lines))), min_size=1, max_size=len(lines) + 2))
        path.write_bytes(b"".join(lines[index] for index in changed))
        # Only a trail that merely stops early looks whole; a published head tells it from the real one.
        assert verify(path).intact == (changed == list(range(len(changed))))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), st.floats(0, 1))
def test_a_trail_goes_on_after_a_crash_at_any_byte(count: int, place: float) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        data = _written(path, count)
        cut = int(place * len(data))
        path.write_bytes(data[:cut])
        whole = data[:cut].count(b"\n")
        with AuditTrail(path) as trail:
            trail.append(at_us=99, role="after", purpose="p", read=READS[0], rows=1)
        report = verify(path)
        assert report.intact, report
        assert report.torn_bytes == 0
        held = list(records(path))
        assert held[-1]["role"] == "after"
        assert path.read_bytes().startswith(b"".join(data.splitlines(keepends=True)[:whole]))
