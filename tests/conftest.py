"""What holds for every test.

PAGERDRILL_ALL_TESTS=1 makes a skip for want of a server or a package a failure. How much memory each worker needed is
told at the end.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("anywhere", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")
"""No property fails because a machine is slow, and the same examples are tried everywhere."""

ALWAYS_FAIR = ("root may write everywhere", "was removed: the newest packages are used", "there is no kubectl v")
"""Reasons to skip that say something about the machine itself, not about what is installed."""

RSS_MAX_MIB = 1024
"""What one worker should need at its peak: two of them and a browser fit a machine of 4 GiB."""

COLLECTED_AFTER_MIB = 4
"""A test that raised the peak by so much has left something large behind."""

GROWTHS_SHOWN = 3
GROWTH_MIN_MIB = 20

_growths: list[tuple[int, str]] = []
"""By how many MiB each test of this process raised its peak, and its id."""

_peaks: dict[str, tuple[int, list[tuple[int, str]]]] = {}
"""In the process that reports: peak MiB and growths of each worker."""


def peak_mib() -> int:
    """The most memory that this process has held so far."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held >> (20 if sys.platform == "darwin" else 10)


def pytest_collection_finish() -> None:
    """Nothing that is loaded by now will ever be garbage, so nobody need look through it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Note which tests raise the peak, and drop the worlds that a file or a test leaves behind.

    A world refers to itself in circles, and the collector comes by seldom where so much is loaded: it is called at the
    end of a file and whenever the peak has risen.
    """
    before_mib = peak_mib()
    result = yield
    grown_mib = peak_mib() - before_mib
    if nextitem is None or nextitem.path != item.path or grown_mib >= COLLECTED_AFTER_MIB:
        gc.collect()
    if grown_mib >= GROWTH_MIN_MIB:
        _growths.append((grown_mib, item.nodeid))
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended and left its figures."""
    output = getattr(node, "workeroutput", {})
    if "peak_mib" in output:
        _peaks[node.gateway.id] = (output["peak_mib"], [(mib, name) for mib, name in output["growths"]])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the figures over, or fail the run when something that should be here was not or memory was exceeded."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output |= {"peak_mib": peak_mib(), "growths": [list(growth) for growth in _growths]}
        return
    if not _peaks:
        _peaks["this process"] = (peak_mib(), _growths)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("PAGERDRILL_ALL_TESTS") != "1" or reporter is None:
        return
    reasons = [str(report.longrepr[2]) for report in reporter.stats.get("skipped", ()) if report.longrepr]
    missing = [reason for reason in reasons if not any(fair in reason for fair in ALWAYS_FAIR)]
    if missing:
        reporter.write_line(f"{len(missing)} tests were skipped that this run must not skip:", red=True)
        for reason in sorted(set(missing)):
            reporter.write_line(f"  {missing.count(reason)} x {reason}", red=True)
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The peak of each worker, and which tests made it so."""
    for name, (mib, growths) in sorted(_peaks.items()):
        terminalreporter.write_line(f"peak memory of {name}: {mib:,} MiB (aim: {RSS_MAX_MIB:,})", red=mib > RSS_MAX_MIB)
        for grown_mib, test in sorted(growths, reverse=True)[:GROWTHS_SHOWN]:
            terminalreporter.write_line(f"  +{grown_mib} MiB in {test}")
