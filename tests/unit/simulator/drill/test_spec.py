"""A drill survives a file unchanged, and what is no drill is refused whatever its types."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from simulator.drill.spec import DrillSpec, PlannedFault
from tests.unit.simulator.session.nights import OOM, opening
from tui.recorded import _check_playable

DAY_S = 86400.0


def _body() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(opening(OOM).drill.to_json()))
    return body


def test_a_drill_survives_a_file() -> None:
    assert DrillSpec.from_json(_body()) == opening(OOM).drill


@pytest.mark.parametrize(
    ("field", "value"),
    [("drill_s", "3600"), ("title", 5), ("judged", "resolve"), ("joins", "whenever"), ("calendar_offset_s", True)],
)
def test_a_value_of_another_type_is_refused_and_not_converted(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        DrillSpec.from_json({**_body(), field: value})


@pytest.mark.parametrize("field", ["title", "platform", "expert", "faults"])
def test_a_field_that_is_missing_is_told(field: str) -> None:
    body = _body()
    del body[field]
    with pytest.raises(ValueError, match=field):
        DrillSpec.from_json(body)


@pytest.mark.parametrize(("span_s", "playable"), [(90 * DAY_S, True), (90 * DAY_S + 0.5, False), (-0.5, False)])
def test_no_time_of_a_drill_is_beyond_ninety_days(span_s: float, playable: bool) -> None:
    drill = opening(OOM).drill
    fault = PlannedFault(drill.faults[0].fault_id, span_s, drill.faults[0].params)
    for changed in (replace(drill, drill_s=span_s), replace(drill, joins_by_s=span_s), replace(drill, faults=(fault,))):
        if playable:
            _check_playable(changed, 1)
        else:
            with pytest.raises(ValueError, match=r"not within 0\.\.7776000 s"):
                _check_playable(changed, 1)
