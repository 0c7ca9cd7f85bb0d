"""Lines as people type them into a shell: joined, piped, kept, watched; refused or carried out as a whole."""

from __future__ import annotations

import pytest

from reference_platform.errors import CommandError
from simulator.incident.record import KEPT_MAX
from simulator.shell.line import parse_line
from simulator.shell.run import understand
from tests.unit.simulator.shell.desk import LEAK, Desk


@pytest.fixture(scope="module")
def desk() -> Desk:
    """An hour in. Tests leave the platform as it is."""
    return Desk(LEAK, 3_600.0)


def _read(line: str) -> list[tuple[str, list[list[str]]]]:
    return [(item.joint, item.stages) for item in parse_line(line)]


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("slo; dash", [("", [["slo"]]), (";", [["dash"]])]),
        ("slo;", [("", [["slo"]])]),
        ("slo && dash || alerts", [("", [["slo"]]), ("&&", [["dash"]]), ("||", [["alerts"]])]),
        ("slo | head -1 && dash", [("", [["slo"], ["head", "-1"]]), ("&&", [["dash"]])]),
        ("slo # how bad is it", [("", [["slo"]])]),
        ("ack #3", [("", [["ack", "#3"]])]),
        ("logs gateway --grep 'a;b && c|d #e'", [("", [["logs", "gateway", "--grep", "a;b && c|d #e"]])]),
        ('logs gateway --grep "say \\"no\\" $1"', [("", [["logs", "gateway", "--grep", 'say "no" $1']])]),
        ("slo 2>&1 | grep x", [("", [["slo"], ["grep", "x"]])]),
        ("slo 2>/dev/null", [("", [["slo"]])]),
        ("slo |& grep x", [("", [["slo"], ["grep", "x"]])]),
        ("note a; b && c | d # e > f", [("", [["note", "a; b && c | d # e > f"]])]),
        ("metrics up{a='b;c'} > 2; slo", [("", [["metrics", "up{a='b;c'} > 2"]]), (";", [["slo"]])]),
        ("metrics up > 2 && slo", [("", [["metrics", "up > 2"]]), ("&&", [["slo"]])]),
        ("metrics up 2>/dev/null | head -1", [("", [["metrics", "up"], ["head", "-1"]])]),
        ("time kubectl get pods", [("", [["kubectl", "get", "pods"]])]),
        ("watch -n 5 'slo | head -2'", [("", [["slo"], ["head", "-2"]])]),
        ("curl http://gateway/x?a=1&b=2", [("", [["curl", "http://gateway/x?a=1&b=2"]])]),
        ("kubectl get pods --field-selector=status.phase!=Running>x", [
            ("", [["kubectl", "get", "pods", "--field-selector=status.phase!=Running"]])]),
    ],
)  # fmt: skip
def test_a_line_is_read_as_a_shell_reads_it(line: str, items: list[tuple[str, list[list[str]]]]) -> None:
    understand("")  # loads the commands, whose forms decide what is text
    assert _read(line) == items


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("kubectl logs $(kubectl get pods -o name)", "$(...): a command within a command is not run here"),
        ('echo "`slo`"', "`...`: a command within a command is not run here"),
        ("slo &", "&: nothing runs in the background here"),
        ("slo && ", "syntax error near &&"),
        ("; slo", "syntax error near ;"),
        ("slo ;; dash", "syntax error near ;"),
        ("slo | | head", "empty stage in a pipe"),
        ("cat < x", "<: nothing can be read from here"),
        ("slo > -x", "-x: no name to keep the output by"),
        ("for p in a b; do slo; done", "for: not possible here"),
        ("NS=shop", "NS=shop: there are no variables here"),
        ("slo 'open", "cannot read the line: No closing quotation"),
        ("eval slo", "eval: not possible here"),
    ],
)
def test_what_a_shell_could_do_and_this_one_cannot_is_refused_with_advice(line: str, what: str) -> None:
    understand("")
    with pytest.raises(CommandError) as caught:
        parse_line(line)
    assert caught.value.what == what
    assert caught.value.fix


KEPT = "(kept 1 lines as n.txt; cat n.txt shows them)"
SCALE = "kubectl scale deployment gateway --replicas=5"


@pytest.mark.parametrize(
    "line",
    [
        f"{SCALE} | grpe x",
        f"{SCALE} | grep -Z x",
        f"{SCALE} | grep -E '('",
        f"{SCALE} | awk '{{'",
        f"{SCALE} | jq '.['",
        f"{SCALE} | xargs kubctl get",
        f"{SCALE} && nosuch",
        f"{SCALE}; kubectl get pods --nosuch",
        f"{SCALE} || kubectl get pods | head -x",
    ],
)
def test_a_line_that_is_wrong_anywhere_changes_nothing_and_is_an_attempt(desk: Desk, line: str) -> None:
    before = desk.op.plant.cluster.deployments["gateway"].replicas
    ran = desk.type(line)
    assert (ran.exit != 0, ran.changes, ran.attempted, ran.subjects) == (True, False, True, ("gateway",))
    assert ran.text.endswith("nothing on this line was carried out")
    assert desk.op.plant.cluster.deployments["gateway"].replicas == before
    assert not desk.events("changed")


def test_a_slip_in_the_changing_command_itself_is_no_attempt(desk: Desk) -> None:
    ran = desk.type("kubectl scale deployment gateway --replcas=5 | cat")
    assert (ran.exit, ran.attempted, ran.subjects) == (1, False, ())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("echo a; echo b", "a\nb"),
        ("echo a && echo b", "a\nb"),
        ("echo a || echo b", "a"),
        ("echo abc | grep x && echo b", ""),
        ("echo abc | grep x || echo none", "none"),
        ("kubectl get pod nosuch 2>/dev/null || echo gone", "gone"),
        ("kubectl get pod nosuch 2>&1 | grep -c NotFound", "1"),
        ("echo a b c | xargs -n1", "a\nb\nc"),
        ("echo a b | xargs -I{} echo '<{}>'", "<a b>"),
        ("echo a | tee x.txt | tr a b; cat x.txt", "b\na"),
        ("echo one > n.txt; echo two >> n.txt; cat n.txt | wc -l", f"{KEPT}\n{KEPT}\n2"),
        ("echo a > /dev/null", ""),
        ("time echo a", "a\n\nreal\t0m0.000s"),
    ],
)  # fmt: skip
def test_commands_of_a_line_follow_each_other(desk: Desk, line: str, text: str) -> None:
    assert desk.type(line).text == text


def test_xargs_hands_words_to_a_command_and_its_evidence_counts(desk: Desk) -> None:
    ran = desk.type("kubectl get pods -l app=gateway -o name | xargs kubectl get")
    plain = desk.type("kubectl get pods -l app=gateway")
    assert ran.text.splitlines()[0] == plain.text.splitlines()[0]
    assert (ran.looked, ran.subjects) == (plain.looked, plain.subjects) != ((), ())


def test_a_change_behind_xargs_is_a_change() -> None:
    desk = Desk(LEAK, 3_600.0)
    ran = desk.type("kubectl get pods -l app=gateway -o name | head -1 | xargs kubectl delete")
    assert (ran.exit, ran.changes, ran.words, ran.subjects) == (0, True, ("kubectl", "delete"), ("gateway",))


def test_what_was_kept_shows_what_it_showed(desk: Desk) -> None:
    kept = desk.type("store clients > clients.txt")
    assert (kept.looked, kept.subjects) == ((), ())
    whole, again = desk.type("store clients"), desk.type("cat clients.txt")
    assert (again.text, again.looked, again.subjects) == (whole.text, whole.looked, whole.subjects)


def test_what_can_be_kept_is_bounded_and_nothing_runs_when_it_is_full() -> None:
    desk = Desk(LEAK, 600.0)
    for number in range(KEPT_MAX):
        assert desk.type(f"echo a > {number}.txt").exit == 0
    before = desk.op.plant.cluster.deployments["gateway"].replicas
    ran = desk.type(f"{SCALE} > one-more.txt")
    assert (ran.exit, ran.changes, ran.attempted) == (1, False, True)
    assert desk.op.plant.cluster.deployments["gateway"].replicas == before
    assert desk.type("echo b > 0.txt; cat 0.txt").text.endswith("\nb")


def test_time_passes_between_the_commands_of_a_line_and_each_leaves_an_event() -> None:
    desk = Desk(LEAK, 600.0)
    began_s = desk.session.now_s
    desk.submit("kubectl get pods; sleep 30; slo")
    entered = [event for event in desk.simulation.log if event.kind == "command"]
    assert [event.data["line"] for event in entered] == ["kubectl get pods", "sleep 30", "slo"]
    took = [understand(line).takes_s for line in ("kubectl get pods", "sleep 30", "slo")]
    assert took[1] == 30.0
    assert [event.t_s for event in entered] == pytest.approx([began_s + sum(took[:at]) for at in (1, 2, 3)])
    desk.submit("kubectl get pod nosuch && sleep 60")
    assert desk.session.now_s < began_s + sum(took) + 30.0


def test_watch_reads_three_times_an_interval_apart_and_repeats_no_change() -> None:
    desk = Desk(LEAK, 600.0)
    began_s = desk.session.now_s
    shown = desk.submit("watch -n 20 'kubectl get pods | head -2'")
    assert shown.count("Every 20.0s: kubectl get pods | head -2") == 3
    assert desk.session.now_s == pytest.approx(began_s + understand("kubectl get pods").takes_s + 40.0)
    refused = desk.submit(f"watch {SCALE}")
    assert refused.startswith("watch repeats what reads")
    assert not desk.events("changed")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ssh gpu-1", "ssh: the responder has no shell on the machines"),
        ("psql -c 'select 1'", "psql: the platform has no database of that kind"),
        ("htop", "htop: the responder has no shell on the machines"),
        ("python -c 1", "python: no programs are run here"),
    ],
)
def test_a_tool_that_is_not_there_is_answered_with_what_is(desk: Desk, line: str, said: str) -> None:
    ran = desk.type(line)
    assert ran.exit == 127
    assert ran.text.splitlines()[0] == said
    assert "did you mean" not in ran.text


@pytest.mark.parametrize("word", ["fluxctl", "valgrind", "mongo"])
def test_no_other_tool_is_proposed_for_an_unknown_word(desk: Desk, word: str) -> None:
    assert desk.type(word).text == f"{word}: command not found\n  all commands: help"
