"""The tab key: names that are there, none that a grant hides, and never an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.live.opening import open_store
from tests.content.pii_world import CLASS_OF, NEXT_NUMBER, SCALED, SERVICES, VIEWS
from tui.commands import feature_completions as completions

COMPLETE: dict[str, Callable[[Any, str], list[str]]] = {
    "view": completions.complete_view,
    "service": completions.complete_service,
    "feature": completions.complete_feature,
    "push source": completions.complete_push_source,
    "key": completions.complete_key,
}


def chosen(repo: Path | None) -> Any:
    """The context of a command line with or without -C."""
    return SimpleNamespace(params={"repo": repo})


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of personal data."""
    folder = Path(tmp_path_factory.mktemp("people"))
    open_store(folder).apply([*VIEWS, NEXT_NUMBER, SCALED, *SERVICES])
    return folder


def test_names_begin_with_what_was_typed(people: Path) -> None:
    assert completions.complete_view(chosen(people), "") == ["people", "devices", "orders"]
    assert completions.complete_view(chosen(people), "or") == ["orders"]
    assert completions.complete_service(chosen(people), "")[:4] == ["everything", "mail", "clean", "tracking"]
    assert completions.complete_feature(chosen(people), "people:") == ["people:age", "people:visits"]
    assert completions.complete_feature(chosen(people), "sc") == ["scaled:aged"]
    assert completions.complete_push_source(chosen(people), "") == ["crm"]
    assert completions.complete_key(chosen(people), "") == ["person_id=", "device_id=", "slot="]


def test_nothing_personal_is_completed(people: Path) -> None:
    """Nor what is only personal, nor what is computed from it."""
    said = " ".join(name for complete in COMPLETE.values() for name in complete(chosen(people), ""))
    assert not any(name in said for name in CLASS_OF)
    assert not any(name in said.split() for name in ("vault", "secret", "next_number:zq_phone_next"))


def test_the_folder_is_where_one_stands_unless_named(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(people)
    assert completions.complete_view(chosen(None), "or") == ["orders"]
    assert completions.complete_view(chosen(people / "elsewhere"), "or") == []


KEYS = st.sampled_from(
    ["definitions", "feature_views", "entities", "sources", "feature_services", "on_demand_feature_views", "features",
     "name", "view", "pii", "kind", "join_keys"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(held=st.dictionaries(KEYS, JSON, max_size=6), begun=st.text(max_size=2))
def test_no_registry_is_so_odd_that_it_raises(
    held: dict[str, Any], begun: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path(tmp_path_factory.getbasetemp()) / "odd"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "registry.json").write_text(json.dumps({"definitions": held}))
    for complete in COMPLETE.values():
        assert all(name.startswith(begun) for name in complete(chosen(folder), begun))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"[" * 100_000])
def test_no_file_is_so_odd_that_it_raises(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry.json").write_bytes(content)
    assert [complete(chosen(tmp_path), "") for complete in COMPLETE.values()] == [[]] * len(COMPLETE)
