"""What holds for every test: PAGERDRILL_ALL_TESTS=1 makes a skip for want of a server or a package a failure."""

from __future__ import annotations

import os

import pytest

ALWAYS_FAIR = ("root may write everywhere",)
"""Reasons to skip that say something about the machine itself, not about what is installed."""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when something that should be here was not."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("PAGERDRILL_ALL_TESTS") != "1" or reporter is None:
        return
    reasons = [str(report.longrepr[2]) for report in reporter.stats.get("skipped", ()) if report.longrepr]
    missing = [reason for reason in reasons if not any(fair in reason for fair in ALWAYS_FAIR)]
    if missing:
        reporter.write_line(f"{len(missing)} tests were skipped that this run must not skip:", red=True)
        for reason in sorted(set(missing)):
            reporter.write_line(f"  {missing.count(reason)} x {reason}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
