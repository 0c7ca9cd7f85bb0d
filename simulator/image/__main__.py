"""`python -m simulator.image`: make sure that the image exists. Path on stdout, progress on stderr."""

from __future__ import annotations

import sys

from reference_platform.errors import ConfigError, PagerDrillError
from simulator.image.builder import ensure_image

WIDTH = 30


def show(ratio: float, text: str) -> None:
    """One line, redrawn in a terminal and appended elsewhere."""
    done = int(ratio * WIDTH)
    end = "\r" if sys.stderr.isatty() else "\n"
    sys.stderr.write(f"[{'#' * done}{'.' * (WIDTH - done)}] {ratio:4.0%} {text:<50.50}{end}")
    sys.stderr.flush()


def main() -> int:
    """Build or find the image. Exit codes: 0 good, 2 the cache cannot be used, 3 our bug."""
    try:
        image = ensure_image(show)
    except PagerDrillError as error:
        sys.stderr.write(f"\n{error}\n")
        return 2 if isinstance(error, ConfigError) else 3
    sys.stdout.write(f"{image.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
