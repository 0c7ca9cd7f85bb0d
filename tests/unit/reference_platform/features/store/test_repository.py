"""Declarations survive being written and read; mistakes in them are named with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_platform.errors import ConfigError, ContentError
from reference_platform.features.code_references import CodeFolder, MissingCode
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.registry_file import Applied, RegistryFile
from reference_platform.features.repository import read_repository
from tests.unit.reference_platform.features.store.rides import DRIVER, FARE, SERVICE, STATS

YAML = """\
entities:
  - {name: driver, join_keys: [driver_id], owner: rides}
sources:
  - {name: stats, path: stats.parquet, created_timestamp_column: created}
  - {name: pushes, kind: push, batch_source: stats}
feature_views:
  - name: driver_stats
    entities: [driver]
    source: pushes
    ttl: 2h
    freshness_sla: 15m
    transformation: code.py:in_euros
    features:
      - {name: trips, type: Int64}
      - {name: phone, type: String, pii: phone}
on_demand_feature_views:
  - name: fare
    sources: [driver_stats, {name: tariff, request: [{name: price_eur, type: Float64}]}]
    features: [{name: fare_eur, type: Float64}]
    function: code.py:fare
feature_services:
  - {name: pricing, features: ["driver_stats:trips", fare], logging: true}
"""
CODE = """\
def in_euros(columns):
    return columns

def fare(columns):
    return {"fare_eur": columns["price_eur"] * columns["trips"]}
"""


def write(folder: Path, yaml: str = YAML, code: str = CODE) -> Path:
    (folder / "features.yaml").write_text(yaml)
    (folder / "code.py").write_text(code)
    return folder


def test_yaml_says_the_same_as_python(tmp_path: Path) -> None:
    """Every kind of object, with code named by file and function."""
    found = read_repository(write(tmp_path), CodeFolder(tmp_path))
    view = found.views["driver_stats"]
    assert view.join_keys == ("driver_id",)
    assert view.ttl_s == 7200.0
    assert view.freshness_sla_s == 900.0
    assert view.field("phone").pii == "phone"
    assert view.transformation is not None
    assert found.services["pricing"].logging
    assert [part.name for part in found.services["pricing"].features] == ["driver_stats", "fare"]


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    """Through the registry file, code included when it stands in the folder."""
    code = CodeFolder(write(tmp_path))
    definitions = read_repository(tmp_path, code)
    file = RegistryFile(tmp_path / "data" / "registry.json", code)
    file.write(Applied(1, definitions, 5))
    assert file.read() == Applied(1, definitions, 5)
    again = RegistryFile(file.path, CodeFolder(tmp_path)).read().definitions
    assert again.views["driver_stats"].code_sha256 == definitions.views["driver_stats"].code_sha256


def test_code_that_is_not_in_the_folder_is_missed_only_when_called(tmp_path: Path) -> None:
    """The fingerprint stays, so that a change of code can still be told."""
    definitions = DefinitionSet.of([DRIVER, STATS, FARE, SERVICE])
    file = RegistryFile(tmp_path / "registry.json", CodeFolder(tmp_path))
    file.write(Applied(1, definitions, 5))
    fare = file.read().definitions.on_demand["fare"]
    assert isinstance(fare.function, MissingCode)
    assert fare.code_sha256 == FARE.code_sha256
    assert file.read().definitions.views == definitions.views


@pytest.mark.parametrize(
    ("wrong", "right", "place", "said"),
    [
        ("entities: [driver]", "entities: [drivr]", "features.yaml:7:5", 'did you mean "driver"?'),
        ("source: pushes", "source: push", "features.yaml:7:5", 'did you mean "pushes"?'),
        ("type: Int64}", "type: Int46}", "features.yaml:7:5", 'did you mean "Int64"?'),
        ("ttl: 2h", "tttl: 2h", "features.yaml:10:5", 'did you mean "ttl"?'),
        ("ttl: 2h", "ttl: 2", "features.yaml:10:10", "is not a duration"),
        ("code.py:fare", "code.py:fair", "features.yaml:17:5", 'did you mean "fare"?'),
        ('"driver_stats:trips"', '"driver_stats:trip"', "features.yaml:22:5", 'did you mean "trips"?'),
    ],
)
def test_a_mistake_is_named_with_line_and_column(wrong: str, right: str, place: str, said: str, tmp_path: Path) -> None:
    """What, where, and the nearest valid name."""
    write(tmp_path, YAML.replace(wrong, right))
    with pytest.raises(ContentError) as caught:
        read_repository(tmp_path, CodeFolder(tmp_path))
    assert place in caught.value.where
    assert said in str(caught.value)


def test_an_exception_in_a_python_file_is_named_with_its_line(tmp_path: Path) -> None:
    """A team's own code fails like a document, not like a crash."""
    write(tmp_path, code="x = 1\ny = x / 0\n")
    with pytest.raises(ContentError, match="ZeroDivisionError") as caught:
        read_repository(tmp_path, CodeFolder(tmp_path))
    assert caught.value.where.endswith("code.py:2:1")


@pytest.mark.parametrize("text", ["", "{", '{"format": 1}', '{"format": 9, "definitions": {}}', "[]"])
def test_a_damaged_registry_is_one_clear_error(text: str, tmp_path: Path) -> None:
    """Truncated, foreign or of another format."""
    path = tmp_path / "registry.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="registry"):
        RegistryFile(path, CodeFolder(tmp_path)).read()


def test_two_declarations_of_one_name_are_refused() -> None:
    """Whatever the order."""
    with pytest.raises(ContentError, match="two different declarations"):
        DefinitionSet.of([DRIVER, STATS, type(DRIVER)("driver", join_keys=("id",))])
