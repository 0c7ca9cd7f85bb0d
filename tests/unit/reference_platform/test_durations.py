"""Durations and sizes are the same number after being written and read again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from reference_platform.durations import Duration, Size, parse_duration_s, parse_size_bytes


@pytest.mark.parametrize("read", [parse_duration_s, parse_size_bytes])
def test_a_number_without_end_is_refused_in_few_words(read: Callable[[object], float]) -> None:
    for unit in ("d", "Gi"):
        with pytest.raises(ValueError, match=r"9\.\.\. is ") as caught:
            read("9" * 400 + unit)
        assert len(str(caught.value)) < 200
    assert parse_duration_s("90d") == 90 * 86400.0
    assert parse_size_bytes("6Gi") == 6 << 30


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
