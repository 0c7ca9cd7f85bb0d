"""Make a platform in an empty folder: what sessions read in one file, beside it the MLflow registry and history.

Each part is made only where none with its key is kept. Imports torch and MLflow, so it runs in a process of its own.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from reference_platform.models.card import ModelCard
from reference_platform.models.catalogue import CARDS
from simulator.image.archive import packed, unpacked
from simulator.image.artifacts import HISTORY, REGISTRY, code_of, keys_of, rows_of, weights_of
from simulator.image.assembly import register, write_platform
from simulator.image.fitting import FittedModel, fit_model
from simulator.image.history import History, Learner, Progress, TrainingRows, live_history
from simulator.image.layout import FEATURES, WORLD
from simulator.image.manifest import write_manifest
from simulator.image.parts import BUILT, Found, Parts
from simulator.image.plan import BuildPlan
from simulator.image.provenance import library_versions
from simulator.world.catalogue import side_of

HISTORY_RATIO = 0.45
TRAINED_RATIO = 0.75
REGISTERED_RATIO = 0.95
ROWS = "rows.npz"
OFFLINE = "offline/"


def build(folder: Path, final: Path, plan: BuildPlan, parts: Parts, progress: Progress) -> None:
    """Fill `folder` with the platform that will be moved to `final`; the manifest is written last."""
    versions = library_versions()
    keys = keys_of(plan.to_json(), versions, code_of())
    cards = tuple(CARDS.values())
    history, rows, origins = _history(cards, keys, plan, parts, _within(progress, 0.0, HISTORY_RATIO))
    fitted = []
    for index, card in enumerate(cards):
        step = (TRAINED_RATIO - HISTORY_RATIO) / len(cards)
        begin = HISTORY_RATIO + index * step
        model, origin = _fitted(card, keys, rows[card.name], plan, parts, _within(progress, begin, begin + step))
        fitted.append(model)
        origins[weights_of(card.name)] = origin
    registry = register(folder, final, fitted, rows, _within(progress, TRAINED_RATIO, REGISTERED_RATIO))
    origins[REGISTRY] = BUILT
    progress(REGISTERED_RATIO, "writing files")
    write_platform(folder, fitted, registry, history[WORLD], history[FEATURES])
    for name, body in history.items():
        if name.startswith(OFFLINE):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(body)
    write_manifest(folder, keys[REGISTRY], plan.to_json(), versions, origins)
    progress(1.0, "done")


def _within(progress: Progress, begin: float, end: float) -> Progress:
    return lambda ratio, text: progress(begin + (end - begin) * ratio, text)


def learners(cards: Sequence[ModelCard]) -> list[Learner]:
    """These models with their sides of the world."""
    return [Learner(card.schema, side_of(card.name)) for card in cards]


def _history(
    cards: Sequence[ModelCard], keys: Mapping[str, str], plan: BuildPlan, parts: Parts, progress: Progress
) -> tuple[Mapping[str, bytes], dict[str, TrainingRows], dict[str, str]]:
    """Files of the history, training rows of each model, and where each came from. It is lived through once at most."""
    kept: dict[str, Found | None] = {
        name: parts.find(name, keys[name]) for name in (HISTORY, *(rows_of(card.name) for card in cards))
    }
    wanted = [card for card in cards if kept[rows_of(card.name)] is None]
    lived: History | None = None
    if wanted or kept[HISTORY] is None:
        lived = live_history(plan, learners(wanted), progress)
    rows: dict[str, TrainingRows] = {}
    for card in cards:
        found = kept[rows_of(card.name)]
        if found is None:
            assert lived is not None
            rows[card.name] = lived.rows[card.name]
            parts.keep(rows_of(card.name), keys[rows_of(card.name)], {ROWS: packed(rows[card.name].arrays())})
        else:
            rows[card.name] = TrainingRows.from_arrays(unpacked(found.files[ROWS]))
    found = kept[HISTORY]
    if found is None:
        assert lived is not None
        files: Mapping[str, bytes] = _files(lived)
        parts.keep(HISTORY, keys[HISTORY], files)
    else:
        files = found.files
    return files, rows, {name: BUILT if found is None else found.origin for name, found in kept.items()}


def _files(history: History) -> dict[str, bytes]:
    files = {WORLD: packed(history.world.state()), FEATURES: packed(history.features())}
    for view in history.views.all():
        stream = io.BytesIO()
        history.offline.write_parquet(view.name, stream)
        files[f"{OFFLINE}{view.name}.parquet"] = stream.getvalue()
    return files


def _fitted(
    card: ModelCard, keys: Mapping[str, str], rows: TrainingRows, plan: BuildPlan, parts: Parts, progress: Progress
) -> tuple[FittedModel, str]:
    name = weights_of(card.name)
    found = parts.find(name, keys[name])
    if found is not None:
        return FittedModel.from_files(card, found.files), found.origin
    model = fit_model(card, rows, plan, progress)
    parts.keep(name, keys[name], model.files())
    return model, BUILT
