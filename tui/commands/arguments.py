"""Reading and completing what several commands take."""

from __future__ import annotations

from pathlib import Path

from reference_platform.errors import ConfigError, ContentError, PagerDrillError, nearest


def duration_s(text: str | None, option: str) -> float | None:
    """Seconds of an option such as `--at 12m`; None when it was not given. Raises ContentError."""
    if text is None:
        return None
    from reference_platform.durations import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise ContentError(f"{option}: {error}", fix=f"for example {option} 12m") from None


def check_target(path: Path | None) -> None:
    """Raise ConfigError when results are wanted in a folder that is not there; None wants none."""
    if path is not None and not path.parent.is_dir():
        raise ConfigError("results cannot be written there", where=str(path), fix=f"make the folder {path.parent}")


def complete_scenario(incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin with what was typed, with their titles."""
    from scenarios.library import entries

    try:
        return [(item.scenario_id, item.title) for item in entries() if item.scenario_id.startswith(incomplete)]
    except PagerDrillError:
        return []


def complete_run(incomplete: str) -> list[str]:
    """Runs whose names begin with what was typed."""
    from tui.runs import run_files

    try:
        return [path.stem for path in run_files() if path.stem.startswith(incomplete)]
    except PagerDrillError:
        return []


def complete_player(incomplete: str) -> list[str]:
    """Responders that ship whose names begin with what was typed."""
    from scenarios.players import BUILT_IN

    return [name for name in BUILT_IN if name.startswith(incomplete)]


def rubric_path(ref: str) -> Path:
    """The file that `ref` names: a rubric that ships, or a path. Raises ContentError with the nearest id."""
    from rubrics.loader import LIBRARY

    path = Path(ref).expanduser()
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    known = {item.stem: item for item in LIBRARY.glob("*.yaml")}
    if ref not in known:
        raise ContentError(f'no rubric "{ref}"', fix=nearest(ref, known))
    return known[ref]
