"""`python -m simulator.image`: train the platform and renew what ships. Folder on stdout, progress on stderr."""

from __future__ import annotations

import sys

from reference_platform.errors import ConfigError, PagerDrillError
from simulator.image.builder import ensure_trained
from simulator.image.ship import ship

WIDTH = 30


def show(ratio: float, text: str) -> None:
    """One line, redrawn in a terminal and appended elsewhere."""
    done = int(ratio * WIDTH)
    end = "\r" if sys.stderr.isatty() else "\n"
    sys.stderr.write(f"[{'#' * done}{'.' * (WIDTH - done)}] {ratio:4.0%} {text:<50.50}{end}")
    sys.stderr.flush()


def main() -> int:
    """Train or find the platform, and ship it. Exit codes: 0 good, 2 a folder cannot be used, 3 our bug."""
    try:
        trained = ensure_trained(show)
        reasons = ship(trained)
    except PagerDrillError as error:
        sys.stderr.write(f"\n{error}\n")
        return 2 if isinstance(error, ConfigError) else 3
    for reason in reasons:
        sys.stderr.write(f"\nrenewed: {reason}")
    sys.stdout.write(f"{trained.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
