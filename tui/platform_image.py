"""The platform as the command line sees it: the one that ships, and the one that may be trained here with a bar."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from tui.narration import columns, progress

if TYPE_CHECKING:
    from simulator.image.builder import TrainedPlatform
    from simulator.image.image import Image

DAY_S = 86400.0


def cache_dir() -> Path:
    """Where trained platforms are kept; it need not exist."""
    from simulator.image.cache import images_dir

    return images_dir()


def prepare_image() -> Image:
    """The platform that ships. Raises ConfigError when its files are damaged."""
    from simulator.image.builder import ensure_image

    return ensure_image()


def trained_here(anew: bool = False) -> TrainedPlatform:
    """The platform trained on this machine, with a bar on stderr. Raises ConfigError when that cannot be done."""
    from simulator.image.builder import ensure_trained

    with progress("platform") as report:
        return ensure_trained(report, anew=anew)


def parts(trained: TrainedPlatform) -> str:
    """Every part of the platform with its key, and where it came from: it was built now, kept before, or it ships."""
    from simulator.image.artifacts import code_of, keys_of
    from simulator.image.parts import KEPT

    keys = keys_of(trained.manifest.plan, trained.manifest.versions, code_of())
    origins = dict.fromkeys(keys, KEPT) if trained.found else trained.manifest.origins
    rows = [(name, key, origins[name]) for name, key in keys.items()]
    return columns([("ARTIFACT", "KEY", "FROM"), *rows])


def compared(trained: TrainedPlatform) -> str:
    """Metrics of the shipped models beside those just trained, and what differs by more than machines explain."""
    from simulator.image.agreement import disagreements
    from simulator.image.ship import RENEW

    shipped = prepare_image()
    ours, theirs = shipped.registry(), trained.image.registry()
    rows = [("MODEL", "VERSION", "METRIC", "SHIPPED", "TRAINED HERE")]
    for name in sorted({*ours.names()} & {*theirs.names()}):
        for mine, yours in zip(ours.versions(name), theirs.versions(name), strict=False):
            for metric, value in sorted(mine.metrics.items()):
                rows.append((name, str(mine.version), metric, f"{value:.4f}", f"{yours.metrics.get(metric, nan):.4f}"))
    found = disagreements(shipped, trained.image)
    said = [f"{text}\n" for text in found] + [f"drills use what ships; renew it: {RENEW}"] if found else []
    return f"{columns(rows)}\n\n" + ("".join(said) or "what ships agrees with what was trained here")


def describe(image: Image) -> str:
    """What is registered in `image` and how it was made, as a table."""
    from simulator.image.builder import PROVENANCE
    from simulator.image.provenance import Provenance

    registry = image.registry()
    rows = [("MODEL", "VERSION", "ALIAS", "TRAINED", "METRICS")]
    for name in registry.names():
        aliases = {version: alias for alias, version in registry.aliases(name).items()}
        for item in registry.versions(name):
            metrics = ", ".join(f"{key} {value:.3f}" for key, value in sorted(item.metrics.items()))
            age = f"{-item.created_at_s / DAY_S:.0f}d before"
            rows.append((name, str(item.version), aliases.get(item.version, ""), age, metrics))
    made = Provenance.read(PROVENANCE)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(made.versions.items()))
    return f"platform {image.content}, seed {made.seed}, trained with {versions}\n\n{columns(rows)}"
