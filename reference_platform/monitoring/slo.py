"""Error budgets: how fast each route spends its own, over several windows, and the rules that page on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reference_platform.monitoring.alerts import AlertRule, Severity
from reference_platform.monitoring.series import Series, SeriesStore

WINDOWS_S: Mapping[str, float] = {"5m": 300.0, "30m": 1800.0, "1h": 3600.0, "6h": 21600.0}
ERROR_RATIO = "slo_error_ratio"
BURN_RATE = "slo_burn_rate"

_HISTORY_POINTS_MAX = 30_000
"""Six hours of one point per second, with room to spare."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A page needs both windows above `burn`: the long one for proof, the short one so that it ends soon after."""

    suffix: str
    burn: float
    long: str
    short: str
    severity: Severity
    budget_ratio: float


_PAIRS = (
    _Pair("ErrorBudgetBurnFast", 14.4, "1h", "5m", "P1", 0.02),
    _Pair("ErrorBudgetBurnSlow", 6.0, "6h", "30m", "P2", 0.05),
)
"""Burn rate times long window over 30 days is the share of the budget spent when the page goes out.

Source: The Site Reliability Workbook, chapter 5 "Alerting on SLOs", multiwindow, multi-burn-rate alerts.
"""


@dataclass(frozen=True, slots=True)
class _Gauges:
    length_s: float
    error_ratio: Series
    burn_rate: Series


@dataclass(slots=True)
class _Route:
    budget_ratio: float
    bad: Series
    total: Series
    gauges: tuple[_Gauges, ...]
    last_good: float = 0.0
    last_total: float = 0.0


class SloTracker:
    """Per route: `slo_error_ratio{route,window}` and `slo_burn_rate{route,window}`, written at every scrape.

    burn rate = error ratio / (1 - objective): at 1 the budget lasts exactly for the objective's period.
    A window longer than the history covers the history. Without requests in a window nothing is written for it.
    """

    def __init__(self, store: SeriesStore, objectives: Mapping[str, float]) -> None:
        """`objectives`: wanted share of good requests by route, each in (0, 1)."""
        self._routes: dict[str, _Route] = {}
        kept_s = 2 * max(WINDOWS_S.values())
        for route, objective in objectives.items():
            assert 0 < objective < 1, f"objective of {route} is {objective}"
            self._routes[route] = _Route(
                1 - objective,
                Series("bad", (), kept_s, _HISTORY_POINTS_MAX),
                Series("total", (), kept_s, _HISTORY_POINTS_MAX),
                tuple(
                    _Gauges(
                        length_s,
                        store.series(ERROR_RATIO, {"route": route, "window": window}),
                        store.series(BURN_RATE, {"route": route, "window": window}),
                    )
                    for window, length_s in WINDOWS_S.items()
                ),
            )

    def observe(self, route: str, good: float, total: float, now_s: float) -> None:
        """Take in the counters of `route` as they stand: requests since start, and those of them that were good.

        A counter that fell back has been reset, and counts from zero again.
        """
        assert 0 <= good <= total, f"{route}: {good} good of {total}"
        state = self._routes[route]
        if total < state.last_total or good < state.last_good:
            state.last_good = state.last_total = 0.0
        bad = (total - good) - (state.last_total - state.last_good)
        served = total - state.last_total
        if len(state.total):
            state.bad.append(now_s, state.bad.last_value + max(0.0, bad))
            state.total.append(now_s, state.total.last_value + served)
        else:
            state.bad.append(now_s, 0.0)
            state.total.append(now_s, 0.0)
        state.last_good, state.last_total = good, total
        self._write(state, now_s)

    def _write(self, state: _Route, now_s: float) -> None:
        times_s, totals, bads = state.total.times_s, state.total.values, state.bad.values
        for gauges in state.gauges:
            base = max(0, int(times_s.searchsorted(now_s - gauges.length_s, "right")) - 1)
            served = state.total.last_value - float(totals[base])
            if served > 0:
                error_ratio = (state.bad.last_value - float(bads[base])) / served
                gauges.error_ratio.append(now_s, error_ratio)
                gauges.burn_rate.append(now_s, error_ratio / state.budget_ratio)


def burn_rate_rules(routes: Sequence[str], objective: float) -> list[AlertRule]:
    """Two paging rules per route: fast burn (P1) and slow burn (P2). `objective` is named in the summary."""
    return [
        AlertRule(
            name=f"{_camel(route)}{pair.suffix}",
            expr=(
                f'{BURN_RATE}{{route="{route}",window="{pair.long}"}} > {pair.burn:g} and ignoring(window) '
                f'{BURN_RATE}{{route="{route}",window="{pair.short}"}} > {pair.burn:g}'
            ),
            for_s=0.0,
            severity=pair.severity,
            component=route,
            summary=(
                f"{route} spends its error budget {{{{value}}}} times too fast: {pair.budget_ratio:.0%} of 30 days "
                f"gone in {pair.long} (objective {objective:.4g})"
            ),
            runbook="error-budget",
        )
        for route in routes
        for pair in _PAIRS
    ]


def _camel(route: str) -> str:
    return "".join(part.capitalize() for part in route.replace("_", "-").split("-"))
