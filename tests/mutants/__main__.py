"""Change the code in small ways, one at a time, and see whether a test notices.

    python -m tests.mutants [PACKAGE or FILE ...] [--sample N] [--seed N] [--workers N] [--fresh]

Results are kept, so a run that was stopped goes on; a mutant is tried again only when its file or its tests changed.
Exit code 1 when fewer than 90 % of the mutants of any package are noticed; survivors in equivalent.yaml do not count.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.mutants.generate import Mutant, mutants_of
from tests.mutants.results import Judged, Outcome, keep, read_judged, read_outcomes
from tests.mutants.scope import PACKAGES, Package

GOOD_RATIO = 0.90
Plan = list[tuple[Package, list[Mutant]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run and report. Returns the exit code."""
    args = _arguments(argv)
    console = Console(stderr=True)
    known_names = {name for package in PACKAGES for name in (package.name, *package.files())}
    unknown = [name for name in args.only if name not in known_names]
    if unknown:
        names = ", ".join(package.name for package in PACKAGES)
        console.print(f"error: no package and no file of one: {unknown[0]}; packages are {names}", highlight=False)
        return 2
    plan = _sampled(_found(args.only, console), args.sample, args.seed)
    known = {} if args.fresh else {key: outcome for key, outcome in read_outcomes().items() if outcome.still_holds()}
    for package, mutants in plan:
        todo = [mutant for mutant in mutants if mutant.key not in known]
        if todo:
            _in_own_process(package, todo, args.workers)
    return _report(plan, read_outcomes(), read_judged(), whole=not args.sample and not args.only)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Do the tests notice a changed program?"
    )
    parser.add_argument("only", nargs="*", help="only these packages or files, such as simulator/faults")
    parser.add_argument("--sample", type=int, default=0, help="try only so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=max(1, os.cpu_count() or 1))
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    return parser.parse_args(argv)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, auto_refresh=False)


def _found(only: Sequence[str], console: Console) -> Plan:
    """Mutants of every package or of what was asked for, in the order of the packages."""
    chosen = {
        package: [path for path in package.files() if not only or package.name in only or path in only]
        for package in PACKAGES
    }
    plan: Plan = []
    with _bar(console) as progress:
        task = progress.add_task("finding mutants", total=sum(map(len, chosen.values())))
        for package, paths in chosen.items():
            mutants: list[Mutant] = []
            for path in paths:
                mutants += mutants_of(path)
                progress.advance(task)
                progress.refresh()
            if paths:
                plan.append((package, mutants))
    return plan


def _sampled(plan: Plan, size: int, seed: int) -> Plan:
    every = [(package, mutant) for package, mutants in plan for mutant in mutants]
    if not size or size >= len(every):
        return plan
    drawn = {id(mutant) for _, mutant in random.Random(seed).sample(every, size)}
    return [(package, [mutant for mutant in mutants if id(mutant) in drawn]) for package, mutants in plan]


def _in_own_process(package: Package, mutants: Sequence[Mutant], workers: int) -> None:
    """In a fork, because each package imports the project with other tests."""
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) < 0:
            raise KeyboardInterrupt
        return
    from tests.mutants.runner import run_package

    console = Console(file=os.fdopen(os.dup(2), "w"))
    progress = _bar(console)
    task = progress.add_task(package.name, total=len(mutants))

    def told(_: Mutant, outcome: Outcome) -> None:
        keep(outcome)
        progress.advance(task)
        progress.refresh()

    with progress:
        run_package(package, mutants, workers, told, lambda text: console.print(text, highlight=False, markup=False))
    os._exit(0)


def _report(plan: Plan, outcomes: dict[str, Outcome], judged: Sequence[Judged], *, whole: bool) -> int:
    """Survivors with their diff, kill rates by package, judgements that fit nothing any more."""
    good = True
    used: set[Judged] = set()
    by_change = {(item.path, item.was, item.now): item for item in judged}
    rows: list[str] = []
    for package, mutants in plan:
        killed = survived = equivalent = untried = 0
        for mutant in mutants:
            known = by_change.get((mutant.path, mutant.was, mutant.now))
            if known is not None:
                used.add(known)
            outcome = outcomes.get(mutant.key)
            if outcome is None:
                untried += 1
            elif outcome.how == "killed":
                killed += 1
            elif known is not None:
                equivalent += 1
            else:
                survived += 1
                print(f"{mutant.path}:{mutant.line} survived: {outcome.because}\n{mutant.diff()}\n")
        count = killed + survived
        ratio = killed / count if count else 1.0
        good = good and ratio >= GOOD_RATIO and not untried
        missing = f", {untried} not tried" if untried else ""
        rows.append(
            f"{ratio:6.1%}  {package.name}: {killed} of {count} noticed, {equivalent} judged equivalent{missing}"
        )
    print("\n".join(rows))
    if whole:
        for item in judged:
            if item not in used:
                print(f"equivalent.yaml: no mutant any more in {item.path}: {item.was}  ->  {item.now}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
