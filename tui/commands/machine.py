"""`doctor`, `bench` and `platform`: the machine and what is built on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from reference_platform.errors import ConfigError, ContentError, nearest
from tui.narration import columns, put, say

EXIT_FELL_SHORT = 1
CHECKOUT = Path(__file__).parent.parent.parent
"""Where the sources are when they were not installed."""

platform_app = typer.Typer(help="The platform that drills run on, and how it is trained.", rich_markup_mode=None)


def doctor() -> None:
    """Check this machine. Exit code 1 when something must be mended before playing."""
    from tui.doctor import examine

    found = examine()
    put(columns([(item.state.upper(), item.name, item.text) for item in found]))
    for item in found:
        if item.fix:
            say(f"{item.name}: {item.fix}")
    if any(item.state == "fail" for item in found):
        raise typer.Exit(EXIT_FELL_SHORT)


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which ones; all if left out.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List them and stop.")] = False,
) -> None:
    """Run the side-by-side measurements, in a checkout: they measure against its tests' oracles and do not ship."""
    known = _benches()
    if list_only:
        put("\n".join(known))
        return
    for name in names or known:
        if name not in known:
            raise ContentError(f'no bench "{name}"', fix=nearest(name, known))
    failed = [name for name in names or known if _run_bench(name) != 0]
    if failed:
        say(f"fell short: {', '.join(failed)}")
        raise typer.Exit(EXIT_FELL_SHORT)


def _benches() -> list[str]:
    if not (CHECKOUT / "pyproject.toml").is_file() or not (CHECKOUT / "bench" / "__main__.py").is_file():
        what = "the benches are part of a checkout, and this is an installed program"
        raise ConfigError(what, fix="in a checkout: make bench")
    return sorted(path.stem for path in (CHECKOUT / "bench").glob("bench_*.py"))


def _run_bench(name: str) -> int:
    """Each in a process of its own, so that memory and imports of one do not count for another."""
    say(f"== {name}")
    return subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False, cwd=CHECKOUT).returncode


@platform_app.command("train")
def train(
    renew: Annotated[bool, typer.Option("--ship", help="Renew what ships, if it differs. Needs a checkout.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Make every part again, whatever is kept or ships.")] = False,
) -> None:
    """Train the models with torch and register them in MLflow, as far as that is not done. Playing does not need it."""
    from tui.platform_image import compared, parts, trained_here

    trained = trained_here(anew)
    say(parts(trained))
    if renew:
        from simulator.image.ship import ship

        reasons = ship(trained)
        say("".join(f"renewed: {reason}\n" for reason in reasons) or "what ships agrees with it and stays")
    else:
        say(compared(trained))
    put(str(trained.folder))


@platform_app.command("status")
def status() -> None:
    """Show the platform that ships and the model registry in it."""
    from tui.platform_image import describe, prepare_image

    put(describe(prepare_image()))
