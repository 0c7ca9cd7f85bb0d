"""Durations and sizes are the same number after being written and read again."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from reference_platform.durations import Duration, Size


class Document(BaseModel):
    wait: Duration
    room: Size


@given(seconds=st.floats(min_value=0.0, max_value=1e9, allow_nan=False), size_bytes=st.integers(0, 1 << 50))
@example(seconds=9 * 0.001, size_bytes=0)
@example(seconds=1e-300, size_bytes=1)
def test_nothing_is_lost_by_writing_and_reading(seconds: float, size_bytes: int) -> None:
    document = Document.model_construct(wait=seconds, room=size_bytes)
    again = Document.model_validate_json(document.model_dump_json())
    assert again.wait == seconds
    assert again.room == size_bytes
