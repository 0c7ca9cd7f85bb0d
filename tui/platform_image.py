"""The trained platform image as the command line sees it: there or not, made with a bar, described in a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.narration import columns, progress

if TYPE_CHECKING:
    from simulator.image.image import Image

DAY_S = 86400.0


def cache_dir() -> Path:
    """Where images are kept; it need not exist."""
    from simulator.image.cache import images_dir

    return images_dir()


def image_ready() -> bool:
    """Whether an intact image of this code is in the cache."""
    from simulator.image.content import image_id
    from simulator.image.image import Image
    from simulator.image.manifest import DamagedImageError
    from simulator.image.plan import BuildPlan

    plan = BuildPlan()
    try:
        Image.load(cache_dir() / image_id(plan), plan)
    except (FileNotFoundError, DamagedImageError, OSError):
        return False
    return True


def prepare_image() -> Image:
    """The image, built first with a bar on stderr if need be. Raises ConfigError when it cannot be stored."""
    from simulator.image.builder import ensure_image

    if image_ready():
        return ensure_image()
    with progress("platform image") as report:
        return ensure_image(report)


def describe(image: Image) -> str:
    """What is registered in `image`, as a table."""
    registry = image.registry()
    rows = [("MODEL", "VERSION", "ALIAS", "TRAINED", "METRICS")]
    for name in registry.names():
        aliases = {version: alias for alias, version in registry.aliases(name).items()}
        for item in registry.versions(name):
            metrics = ", ".join(f"{key} {value:.3f}" for key, value in sorted(item.metrics.items()))
            age = f"{-item.created_at_s / DAY_S:.0f}d before"
            rows.append((name, str(item.version), aliases.get(item.version, ""), age, metrics))
    return f"image {image.id} at {image.path}\n\n{columns(rows)}"
