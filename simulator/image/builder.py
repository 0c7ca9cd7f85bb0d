"""Get a platform: the one that ships with this program, or one trained here in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from reference_platform.errors import ConfigError, InternalError
from simulator.image import cache
from simulator.image.artifacts import platform_key
from simulator.image.image import Image
from simulator.image.import_graph import ROOT
from simulator.image.layout import PLATFORM
from simulator.image.manifest import DamagedImageError, Manifest, read_manifest
from simulator.image.plan import BuildPlan
from simulator.image.provenance import Provenance, library_versions

OnProgress = Callable[[float, str], None]
"""Told the ratio done, 0..1, and what is being done; at least once a second while something is built."""

SHIPPED = Path(__file__).parent / PLATFORM
PROVENANCE = Path(__file__).parent / "provenance.json"
TRAINING_NEEDS = ("torch", "mlflow", "pyarrow")

REPEAT_S = 0.5
LOG_LINES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TrainedPlatform:
    """A platform trained on this machine: the file for sessions, the MLflow registry and the feature history.

    `found` when all of it was there already.
    """

    folder: Path
    image: Image
    manifest: Manifest
    found: bool = field(default=False, compare=False)


def ensure_image() -> Image:
    """The platform that ships with this program, verified. Raises ConfigError when its files are damaged."""
    try:
        provenance = Provenance.read(PROVENANCE)
        return Image.load(SHIPPED, BuildPlan.from_json(provenance.plan), provenance.sha256)
    except (OSError, ValueError, KeyError, TypeError, DamagedImageError) as error:
        raise ConfigError(
            "the platform that ships with this program is damaged",
            where=str(SHIPPED.parent),
            why=str(error),
            fix="install the program again; in a checkout: git checkout simulator/image",
        ) from error


def ensure_trained(
    on_progress: OnProgress | None = None, *, plan: BuildPlan | None = None, anew: bool = False
) -> TrainedPlatform:
    """The platform of this code and `plan`, made first if the cache does not hold it intact.

    What neither the cache nor this program holds of it is trained; all of it with `anew`. Raises ConfigError when the
    cache cannot be written or there is nothing to train with, InternalError when the training fails.
    """
    plan = plan or BuildPlan()
    tell = on_progress or (lambda ratio, text: None)
    root = cache.images_dir()
    final = root / platform_key(plan, library_versions())
    if not anew:
        try:
            return replace(_load(final, plan), found=True)
        except FileNotFoundError:
            pass
        except DamagedImageError as damage:
            tell(0.0, f"the trained platform is damaged and will be built again: {damage}")
    _check_packages()
    cache.ready_for_build(root)
    try:
        with cache.only_builder(root) as waiting:
            for _ in waiting:
                tell(0.0, "another process is training the platform")
            if not anew:
                with contextlib.suppress(FileNotFoundError, DamagedImageError):
                    return replace(_load(final, plan), found=True)
            return _build(root, final, plan, tell, anew)
    except OSError as error:
        raise cache.cannot_write(root, error) from error


def _check_packages() -> None:
    missing = [name for name in TRAINING_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        why = f"training needs {', '.join(missing)}; playing does not, it uses the platform that ships"
        raise ConfigError("the platform cannot be trained here", why=why, fix="pip install 'pagerdrill[platform]'")


def _load(final: Path, plan: BuildPlan) -> TrainedPlatform:
    manifest = read_manifest(final)
    if PLATFORM not in manifest.files:
        raise DamagedImageError(f"{PLATFORM} is missing")
    trained = TrainedPlatform(final, Image.load(final / PLATFORM, plan, manifest.files[PLATFORM].sha256), manifest)
    cache.mark_used(final)
    return trained


def _build(root: Path, final: Path, plan: BuildPlan, tell: OnProgress, anew: bool) -> TrainedPlatform:
    folder = cache.temporary_folder(root, final.name)
    try:
        how = ("anew",) if anew else ()
        _run_worker(folder, [str(folder), str(final), plan.to_json(), *how], tell)
        cache.install(folder, final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tell(1.0, "done")
    return _load(final, plan)


def _run_worker(folder: Path, arguments: Sequence[str], tell: OnProgress) -> None:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    log_path = folder.with_name(f"{folder.name}.log")
    try:
        with log_path.open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "simulator.image.worker", *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
            assert worker.stdout is not None
            try:
                _follow(worker.stdout, tell)
            except BaseException:
                worker.kill()
                raise
            finally:
                worker.stdout.close()
                exit_code = worker.wait()
        if exit_code:
            _explain(exit_code, log_path.read_text(encoding="utf-8", errors="replace"), folder)
    finally:
        log_path.unlink(missing_ok=True)


def _follow(stdout: IO[bytes], tell: OnProgress) -> None:
    """Pass on the worker's progress, and repeat the last of it while it is silent, until it closes its output."""
    said: tuple[float, str] = (0.0, "starting")
    pending = b""
    tell(*said)
    while True:
        if select.select([stdout], [], [], REPEAT_S)[0]:
            chunk = os.read(stdout.fileno(), 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                progress = json.loads(line)
                said = (float(progress["ratio"]), str(progress["text"]))
                tell(*said)
        else:
            tell(*said)


def _explain(exit_code: int, log: str, folder: Path) -> None:
    last = [line for line in log.splitlines() if line.strip()][-LOG_LINES_SHOWN:]
    why = " / ".join(last) or f"the builder ended with {exit_code}"
    if "No space left on device" in log or "disk is full" in log or "Read-only file system" in log:
        raise cache.cannot_write(folder.parent, OSError(0, why))
    raise InternalError("the platform could not be trained", where=str(folder), why=why, fix="try again")
