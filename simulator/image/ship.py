"""Renew the platform that ships with this program from one that was trained here."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from reference_platform.errors import ConfigError
from simulator.image.agreement import disagreements
from simulator.image.artifacts import code_of
from simulator.image.builder import PROVENANCE, SHIPPED, TrainedPlatform
from simulator.image.image import Image
from simulator.image.layout import PLATFORM
from simulator.image.manifest import DamagedImageError
from simulator.image.plan import BuildPlan
from simulator.image.provenance import Provenance

RENEW = "pagerdrill platform train --ship"


def ship(trained: TrainedPlatform, folder: Path = SHIPPED.parent) -> list[str]:
    """Make the files in `folder` those of `trained`; returns why, or nothing when the shipped ones agree with it.

    Files that agree within the tolerances of `agreement` stay as they are, and with them every run and golden; only
    the digests of the code that was checked is renewed. Raises ConfigError when the folder cannot be written.
    """
    file, beside = folder / SHIPPED.name, folder / PROVENANCE.name
    reasons = _reasons(trained, file, beside)
    try:
        if reasons:
            unfinished = file.with_suffix(".new")
            shutil.copyfile(trained.folder / PLATFORM, unfinished)
            unfinished.replace(file)
            provenance_of(trained).write(beside)
        else:
            replace(Provenance.read(beside), code=code_of()).write(beside)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            "the shipped platform cannot be renewed", where=str(folder), why=why, fix="renew it in a checkout"
        ) from error
    return reasons


def provenance_of(trained: TrainedPlatform) -> Provenance:
    """What is written beside the file."""
    registry, plan = trained.image.registry(), trained.image.plan
    metrics = {
        f"{name}/{item.version}": dict(item.metrics) for name in registry.names() for item in registry.versions(name)
    }
    return Provenance(
        sha256=trained.manifest.files[PLATFORM].sha256,
        content=trained.image.content,
        code=code_of(),
        seed=plan.seed,
        plan=plan.to_json(),
        versions=trained.manifest.versions,
        metrics=metrics,
    )


def _reasons(trained: TrainedPlatform, file: Path, beside: Path) -> list[str]:
    try:
        provenance = Provenance.read(beside)
        shipped = Image.load(file, BuildPlan.from_json(provenance.plan), provenance.sha256)
        return disagreements(shipped, trained.image)
    except (OSError, ValueError, KeyError, TypeError, DamagedImageError) as error:
        return [f"nothing usable ships yet ({error})"]
