"""What `platform train` says of the parts of a platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.image.artifacts import code_of, keys_of
from simulator.image.builder import TrainedPlatform, ensure_image
from simulator.image.manifest import Manifest
from tui.platform_image import parts

VERSIONS = {"numpy": "x"}


@pytest.mark.parametrize("found", [False, True])
def test_each_part_is_listed_with_its_key_and_where_it_came_from(found: bool) -> None:
    plan = ensure_image().plan.to_json()
    keys = keys_of(plan, VERSIONS, code_of())
    origins = dict.fromkeys(keys, "shipped") | {"registry": "built"}
    manifest = Manifest("id", plan, VERSIONS, {}, origins)
    heading, *rows = parts(TrainedPlatform(Path("there"), ensure_image(), manifest, found)).splitlines()
    assert heading.split() == ["ARTIFACT", "KEY", "FROM"]
    wanted = dict.fromkeys(keys, "cache") if found else origins
    assert [tuple(row.split()) for row in rows] == [(name, key, wanted[name]) for name, key in keys.items()]
