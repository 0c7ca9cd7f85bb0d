"""A scripted session: made-up numbers, real shapes. Time moves only by `advance`; every submitted line is kept."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from reference_platform.errors import CommandError
from simulator.incident.postmortem import Draft, document, field_named, unescaped
from simulator.session.view import (
    AlertView,
    CommandResult,
    CommsLine,
    DashboardView,
    HypothesisView,
    LogLine,
    Mark,
    NoteView,
    SeriesView,
    ServiceView,
    SessionView,
    TerminalEntry,
)  # fmt: skip
from tui.present.debrief_view import CriterionRow, DebriefView, TimelineMark
from tui.present.session_port import Briefing, Progress, SessionPort

JOINED_S = 3600.0
DRILL_S = 1800.0
PODS = """NAME                             READY   STATUS             RESTARTS      AGE    NODE
recommendation-6d9f7c5b8-2xk4p   1/1     Running            0             3d     gpu-1
recommendation-6d9f7c5b8-9ml2w   0/1     CrashLoopBackOff   4 (31s ago)   6m     gpu-2
search-ranking-5c8d9f6b7-qq8zt   1/1     Running            0             3d     gpu-1
fraud-detection-7f6b8d9c4-l5n7r  1/1     Running            0             3d     gpu-3"""

WORDS = ["ack", "curl", "evidence", "help", "hypothesis", "kubectl", "logs", "metrics", "note", "resolve", "status"]
AFTER = {
    "kubectl": ["get", "describe", "logs", "rollout"],
    "kubectl get": ["pods", "nodes", "events"],
    "logs": ["gateway", "online-store"],
}


def _series(title: str, unit: str, limit: float | None, before: float, after: float, now_s: float) -> SeriesView:
    times = np.arange(0.0, now_s + 1, 15.0)
    ramp = 1 / (1 + np.exp(-(times - (JOINED_S - 120)) / 60))
    wave = 1 + 0.06 * np.sin(times / 90) + 0.02 * np.sin(times / 17)
    return SeriesView(title, unit, times, (before + (after - before) * ramp) * wave, limit)


class FakeSession:
    """A gateway that times out from two minutes before joining; `fix` resolves it after 30 s."""

    def __init__(self, mode: str = "practice", cost_s: float = 2.0, sim_s_per_advance: float = math.inf) -> None:
        self.mode = mode
        self.now_s = JOINED_S
        self.cost_s = cost_s
        self.most_s = sim_s_per_advance
        self.lines: list[tuple[float, str]] = []
        self.terminal: list[TerminalEntry] = []
        self.notes: list[NoteView] = []
        self.comms: list[CommsLine] = []
        self.acked = False
        self.ended: str | None = None
        self.closed = False
        self.broken_series = False
        self.extra_logs: list[LogLine] = []
        self.paper = Draft(timeline="Wed 03:06:42  page GatewayErrorBudgetBurn (P1)")

    def advance(self, to_s: float, wall_budget_s: float | None = None) -> float:
        self.now_s = min(to_s, self.now_s + self.most_s)
        if self.now_s >= JOINED_S + DRILL_S:
            self.now_s, self.ended = JOINED_S + DRILL_S, self.ended or "timeout"
        return self.now_s

    def submit(self, line: str) -> CommandResult:
        self.lines.append((self.now_s, line))
        n = 40 + len(self.lines)
        verb, _, rest = line.partition(" ")
        if verb == "refuse":
            raise CommandError("no space left on the device", fix="free some space")
        text, code = f"{verb}: done", 0
        if line.startswith("kubectl get pods"):
            text = PODS
        elif verb == "echo":
            text = rest
        elif verb == "ack":
            self.acked = True
        elif verb == "note":
            self.notes.append(NoteView(self.now_s, rest))
        elif line.startswith("postmortem set "):
            _, _, name, value = line.split(" ", 3)
            self.paper = self.paper.with_value(field_named(name), unescaped(value))
        elif verb == "resolve":
            self.ended = "resolved"
        elif verb == "wat":
            text, code = "wat: command not found\n  did you mean `curl`?", 127
        self.terminal.append(TerminalEntry(n, self.now_s, line, text, code, self.cost_s))
        if not self.ended:
            self.advance(self.now_s + self.cost_s)
        return CommandResult(text, code, self.cost_s, n)

    def complete(self, text: str) -> list[str]:
        head, _, last = text.rpartition(" ")
        known = AFTER.get(head.strip(), []) if head else WORDS
        return [word for word in known if word.startswith(last)]

    def preview(self, line: str) -> str | None:
        verb, _, rest = line.partition(" ")
        if verb == "hint":
            return "Hint 1 of 3 costs 4 points; after the last one Lean Hire is the most."
        if verb == "status" or line == "postmortem file":
            return f"To stakeholders:\nimpact  {rest}\ndoing   not said\nnext    at 03:22 = in 15m"
        return None

    def draft(self) -> str:
        return document(self.paper, "Every model answers 504")

    def close(self) -> None:
        self.closed = True

    def view(self) -> SessionView:
        now_s = self.now_s
        state = "ACKED" if self.acked else "FIRING"
        alerts = [
            AlertView(1, "GatewayErrorBudgetBurn", "P1", state, JOINED_S - 60, "gateway", "burn 22x > 14.4x for 5 min"),  # type: ignore[arg-type]
            AlertView(
                2, "OnlineStoreSlow", "P2", "FIRING", JOINED_S - 30, "online-store", "p99 1.9 s > 0.05 s for 3 min"
            ),
            AlertView(
                3, "DriftMonitor", "P3", "RESOLVED", JOINED_S - 900, "recommendation", "PSI 0.22 > 0.20, one window"
            ),
        ]
        comms = [CommsLine(JOINED_S + 5, "dana (PM)", "Are orders affected? The shop shows the same three products.")]
        if now_s >= JOINED_S + 122:
            alerts.insert(
                2, AlertView(4, "RetryStorm", "P2", "FIRING", JOINED_S + 122, "gateway", "retries 48 % > 10 %")
            )
        if now_s >= JOINED_S + 300:
            comms.append(
                CommsLine(JOINED_S + 300, "lee (data)", "The loyalty export has been running since yesterday.")
            )
        return SessionView(
            "gateway-504-at-3am", "Every model answers 504", "Page at 03:07.", self.mode, now_s, JOINED_S, DRILL_S,  # type: ignore[arg-type]
            "Wed 03:07:42", "SEV2", 22.4, 0.078, JOINED_S + 900, self.ended, tuple(alerts), self._boards(), _services(),
            self._logs(), tuple(self.notes), _hypotheses(), tuple(comms), tuple(self.terminal),
            (Mark(JOINED_S - 600, "d", "deploy loyalty-export r7"), Mark(JOINED_S - 60, "a", "GatewayErrorBudgetBurn")),
            0, 3, 4,
        )  # fmt: skip

    def _boards(self) -> tuple[DashboardView, ...]:
        if self.broken_series:
            broken = SeriesView("p99", "s", np.array([]), np.array([1.0]), 0.5)
            return (DashboardView("serving", (broken,)),)
        now_s = self.now_s
        serving = (
            _series("gateway p99", "s", 0.4, 0.11, 1.92, now_s),
            _series("gateway requests", "req/s", None, 612, 596, now_s),
            _series("504 share", "ratio", 0.01, 0.0004, 0.31, now_s),
            _series("fallback share", "ratio", 0.05, 0.002, 0.64, now_s),
            _series("online store p99", "s", 0.05, 0.004, 1.9, now_s),
            _series("connections used", "conn", 64, 22, 64, now_s),
        )
        features = (
            _series("feature age", "s", 900, 310, 320, now_s),
            _series("hit ratio", "ratio", 0.98, 0.995, 0.71, now_s),
        )
        return DashboardView("serving", serving), DashboardView("features", features)

    def _logs(self) -> tuple[LogLine, ...]:
        sources = ("gateway", "online-store", "recommendation")
        levels: tuple[Literal["INFO", "WARN", "ERROR"], ...] = ("INFO", "WARN", "ERROR")
        said = "request {} upstream timeout after 800 ms, attempt {}"
        made = [
            LogLine(JOINED_S - 200 + 9 * i, sources[i % 3], levels[i % 3], said.format(1000 + i, i % 4))
            for i in range(40)
        ]
        return (*made, *self.extra_logs)


def _services() -> tuple[ServiceView, ...]:
    return (
        ServiceView("gateway", "", "DEGRADED", "504s 31 %"),
        ServiceView("recommendation", "gateway", "DEGRADED", "2/3 ready"),
        ServiceView("search-ranking", "gateway", "OK", ""),
        ServiceView("fraud-detection", "gateway", "OK", ""),
        ServiceView("online-store", "recommendation", "DOWN", "64/64 conns"),
        ServiceView("materializer", "online-store", "OK", "age 5 min"),
        ServiceView("offline-store", "materializer", "OK", ""),
        ServiceView("loyalty-export", "online-store", "UNKNOWN", "no probe"),
        ServiceView("fallback", "gateway", "OK", "64 % of answers"),
        ServiceView("gpu-pool", "", "OK", "3/3 nodes"),
        ServiceView("dns", "", "OK", ""),
    )


def _hypotheses() -> tuple[HypothesisView, ...]:
    return (
        HypothesisView(
            1, "online-store", "connection_exhaustion", "the export leaks connections", "open", (44, 47), ()
        ),
        HypothesisView(2, "recommendation", "bad_deploy", "", "out", (), (41,)),
    )


BRIEFING = Briefing(
    "gateway-504-at-3am", "Every model answers 504", "practice", DRILL_S,
    "It is Wednesday, 03:07. You are on call for the machine learning platform of a shop: recommendation, search\n"
    "ranking and fraud detection behind one gateway. The pager has just gone off.\n\n"
    "The last deploys were yesterday evening. Nobody else is awake yet.",
    ("read everything", "restart", "roll back", "scale", "stop jobs", "page people"),
    ("edit data in the warehouse",),
    ("acknowledging", "scope before change", "fallback checked", "hypotheses with evidence", "safe mitigation",
     "recovery held ten minutes", "status updates", "post-mortem with prevention", "harm done"),
    ("Dana (product)", "Lee (data engineering)", "Sam (lead)"),
    ("gateway-timeouts", "feature-store"), 3, 7, (4, 6, 8),
)  # fmt: skip

DEBRIEF = DebriefView(
    scenario_id="gateway-504-at-3am",
    title="Every model answers 504",
    verdict="lean",
    score=68,
    expert_score=96,
    joined_s=JOINED_S,
    drill_s=DRILL_S,
    harm_eur=5120,
    harm_idle_eur=21_900,
    harm_expert_eur=3300,
    summary="online-store: connection exhaustion. It began 02:00 before you joined. No alert rule was added.",
    rows=(
        CriterionRow("Acknowledged in time", 4, 4, "met", "The page was acknowledged after 00:21.", (41,)),
        CriterionRow(
            "Sized the impact before acting",
            3,
            8,
            "partly",
            "A rollback at T+05:10 came before any look at the error share or the fallback.",
            (44, 52),
            True,
            "Acting first hides the cause and can widen the damage.",
            "Read the error share per route first.",
            "They read the gateway dashboard at 00:40.",
        ),
        CriterionRow("Named the cause", 10, 10, "met", "online-store:connection_exhaustion confirmed.", (61,), True),
        CriterionRow("Status updates on time", 2, 10, "missed", "One of three promised updates was sent.", (58,)),
        CriterionRow("Asked for help in time", None, 6, "no chance", "It was over before help was due.", (61,)),
    ),
    red_flags=("Restart before look (major): search-ranking was restarted at T+01:10 [#43]",),
    timeline=(
        TimelineMark(JOINED_S - 120, "world", "fault", "loyalty-export leaks connections", 3),
        TimelineMark(JOINED_S + 21, "you", "ack", "acknowledged GatewayErrorBudgetBurn", 41),
        TimelineMark(JOINED_S + 310, "you", "change", "rolled back recommendation", 44),
        TimelineMark(JOINED_S + 700, "you", "hypothesis", "online-store:connection_exhaustion", 52),
        TimelineMark(JOINED_S + 900, "you", "status", "told product", 58),
        TimelineMark(JOINED_S + 1010, "you", "change", "stopped loyalty-export", 60),
        TimelineMark(JOINED_S + 40, "expert", "look", "read the gateway dashboard", 39),
        TimelineMark(JOINED_S + 330, "expert", "change", "stopped loyalty-export", 50),
    ),
    expert=(
        "T+00:40 read the error share per route: all three at once, so the cause is something they share.",
        "T+03:10 asked who holds connections: the loyalty export, deployed the evening before, holds 48 of 64.",
        "T+05:30 stopped the job and watched p99 fall for ten minutes before saying that it is over.",
    ),
    lessons=("Sized the impact before acting: read the error share per route first.",),
    times_s={"tta_s": 21.0, "ttd_s": 700.0, "ttm_s": 1080.0, "ttr_s": None},
    events={
        41: "T+00:21 ack 1",
        43: "T+01:10 kubectl rollout restart deployment/search-ranking",
        44: "T+05:10 kubectl rollout undo deployment/recommendation",
        52: "T+11:40 hypothesis add online-store connection_exhaustion",
        58: "T+15:00 status sent to product",
        61: "T+20:30 hypothesis 1 confirmed",
    },
    run_path="run-7.jsonl",
)


class FakeDrill:
    """A drill whose start is immediate."""

    run_path = "/home/ops/.local/state/pagerdrill/runs/run-7.jsonl"
    resume_command = "pagerdrill resume run-7"

    def __init__(self, session: FakeSession | None = None, briefing: Briefing = BRIEFING) -> None:
        self.session = session or FakeSession()
        self.briefing = replace(briefing, mode="interview" if self.session.mode == "interview" else "practice")
        self.failure: Exception | None = None

    def start(self, on_progress: Progress) -> SessionPort:
        on_progress("building the platform image", 0.62)
        if self.failure is not None:
            raise self.failure
        return self.session

    def debrief(self, session: SessionPort, on_progress: Progress) -> DebriefView:
        on_progress("scoring", 0.5)
        board = self.session.view()
        return replace(DEBRIEF, dashboards=board.dashboards, marks=board.marks)
