"""Parts that were made before are found whole or not at all, and a shipped model is one of them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from reference_platform.models.catalogue import CARDS
from simulator.image.archive import read_member
from simulator.image.artifacts import code_of, keys_of, weights_of
from simulator.image.builder import PROVENANCE, SHIPPED
from simulator.image.fitting import FittedModel
from simulator.image.parts import KEPT, KEPT_MAX, Parts, shipped_parts
from simulator.image.parts import SHIPPED as FROM_SHIPPED
from simulator.image.provenance import Provenance

FILES = {"a.npz": b"one", "offline/b.parquet": b"two"}


def test_a_part_is_found_by_name_and_key(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "parts")
    assert parts.find("rows/x", "1") is None
    parts.keep("rows/x", "1", FILES)
    found = parts.find("rows/x", "1")
    assert found is not None
    assert (found.files, found.origin) == (FILES, KEPT)
    assert parts.find("rows/x", "2") is None
    assert parts.find("rows/y", "1") is None
    assert Parts(tmp_path / "parts", anew=True).find("rows/x", "1") is None


@pytest.mark.parametrize("file", [*FILES, "manifest.json"])
@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_damaged_part_counts_as_none_and_is_replaced(tmp_path: Path, file: str, harm: str) -> None:
    parts = Parts(tmp_path)
    parts.keep("history", "1", FILES)
    path = tmp_path / "history-1" / file
    path.unlink()
    if harm == "change":
        path.write_bytes(b"six")
    assert parts.find("history", "1") is None
    parts.keep("history", "1", FILES)
    assert parts.find("history", "1") is not None


def test_the_parts_used_last_are_kept(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.keep("weights/y", "1", FILES)
    for key in range(KEPT_MAX):
        parts.keep("weights/x", str(key), FILES)
        os.utime(tmp_path / f"weights.x-{key}", (key, key))
    parts.keep("weights/x", "new", FILES)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == sorted([*(f"weights.x-{key}" for key in range(1, KEPT_MAX)), "weights.x-new", "weights.y-1"])


def _content(files: Mapping[str, bytes]) -> dict[str, object]:
    """What is in the files; how an archive is packed differs between releases of Python."""
    return {
        name: {key: (array.dtype.str, array.tobytes()) for key, array in np.load(io.BytesIO(data)).items()}
        if name.endswith(".npz")
        else data
        for name, data in files.items()
    }


@pytest.mark.parametrize("model", CARDS)
def test_a_shipped_model_is_a_part_like_one_trained_here(tmp_path: Path, model: str) -> None:
    made = Provenance.read(PROVENANCE)
    key = keys_of(made.plan, made.versions, code_of())[weights_of(model)]
    parts = Parts(tmp_path, shipped_parts(SHIPPED, PROVENANCE))
    found = parts.find(weights_of(model), key)
    assert found is not None
    assert found.origin == FROM_SHIPPED
    fitted = FittedModel.from_files(CARDS[model], found.files)
    assert _content(fitted.files()) == _content(found.files)
    for item in fitted.versions:
        name = f"weights/{model}-{item.spec.version}.npz"
        assert found.files[name] == read_member(SHIPPED, name)
        assert item.metrics == made.metrics[f"{model}/{item.spec.version}"]
    assert Parts(tmp_path, shipped_parts(SHIPPED, PROVENANCE), anew=True).find(weights_of(model), key) is None
    assert parts.find(weights_of(model), "another") is None


def test_files_that_cannot_be_read_hold_no_parts(tmp_path: Path) -> None:
    assert shipped_parts(tmp_path / "none", PROVENANCE) == {}
    assert shipped_parts(SHIPPED, tmp_path / "none") == {}
