"""What every command promises: it can be looked up, it answers on any night, and it never falls over what is typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.session.session import Session
from simulator.shell.library import load_commands
from simulator.shell.registry import ALIASES, COMMANDS
from tests.contract.conditions import BEGINS_S, run_to, simulated, staffed, type_now
from tests.contract.examples import EXAMPLES, in_order

load_commands()
NIGHTS: dict[str, tuple[str | None, dict[str, object]]] = {
    "nothing wrong": (None, {}),
    "pods out of memory": ("deployment.model_update", {}),
    "store out of connections": ("online_store.connection_leak", {"leaks_per_min": 60.0}),
    "job stalled": ("feature_store.materializer_stalls", {}),
    "records put aside": ("feature_pipeline.schema_mismatch", {}),
}
FORMS = sorted(COMMANDS)
ENDS = (("resolve",), ("postmortem",), ("postmortem", "file"))
IDS = [" ".join(words) for words in FORMS]


def _night(name: str) -> Session:
    """Twenty minutes into the fault."""
    simulation = simulated(*NIGHTS[name])
    run_to(simulation, BEGINS_S + 1200.0)
    return staffed(simulation)


@pytest.fixture(scope="module")
def quiet() -> Session:
    """A session that nobody ends."""
    return _night("nothing wrong")


def _lines(session: Session, name: str) -> list[str]:
    """The bare command and its typical lines, with a pod that is there now."""
    pods = [pod for pod in session.simulation.plant.cluster.pods if pod.startswith("recommendation")]
    pod = pods[0] if pods else "recommendation-gone"
    return [name, *(line.replace("{pod}", pod) for line in EXAMPLES[name])]


def test_there_is_an_example_of_every_command() -> None:
    assert set(EXAMPLES) == {" ".join(words) for words in COMMANDS}
    assert len(COMMANDS) >= 40


@pytest.mark.parametrize("words", FORMS, ids=IDS)
def test_a_command_says_how_it_is_used_and_what_for(words: tuple[str, ...]) -> None:
    found = COMMANDS[words]
    assert found.words == words
    assert found.usage.startswith(" ".join(words))
    assert found.summary.endswith((".", "?"))
    assert len(found.summary) <= 110
    assert 0.0 <= found.takes_s <= 60.0


def test_other_names_lead_to_commands() -> None:
    for alias, words in ALIASES.items():
        assert words in COMMANDS
        assert alias not in COMMANDS


@pytest.mark.parametrize("night", NIGHTS)
def test_every_command_answers_on_every_night(night: str) -> None:
    """Bare and with typical arguments, in a drill that goes on meanwhile; a refusal says what to do instead."""
    session = _night(night)
    mute: list[str] = []
    for name in in_order():
        for line in _lines(session, name):
            if session.ended is not None:
                break
            before = len(session.simulation.log)
            result = session.submit(line)
            entered = [e for e in session.simulation.log.since(before) if e.kind == "command"]
            assert [event.data["line"] for event in entered] == [line]
            assert entered[0].data["exit"] == result.exit
            if not result.text.strip() and "|" not in line:
                mute.append(line)
            assert "Traceback" not in result.text
            assert " object at 0x" not in result.text
            session.view()
    assert mute == []
    assert session.ended == "resolved"
    session.simulation.log.digest()


@pytest.mark.parametrize("words", [w for w in FORMS if COMMANDS[w].rest == "words"], ids=" ".join)
def test_an_unknown_flag_is_answered_with_the_usage(words: tuple[str, ...], quiet: Session) -> None:
    before = len(quiet.simulation.log)
    ran = type_now(quiet, f"{' '.join(words)} --nonsuch")
    assert ran.exit != 0
    assert "\n  " in ran.text, "what to do instead is on a line of its own"
    assert len(quiet.simulation.log) == before, "a refused command leaves no trace on the platform"


@pytest.mark.parametrize("words", FORMS, ids=IDS)
def test_help_explains_every_command(words: tuple[str, ...], quiet: Session) -> None:
    found = COMMANDS[words]
    for line in (f"help {' '.join(words)}", f"{' '.join(words)} --help"):
        if line.endswith("--help") and found.rest != "words":
            continue
        ran = type_now(quiet, line)
        assert ran.exit == 0, ran.text
        assert found.usage in ran.text


@pytest.mark.parametrize("words", [w for w in FORMS if not COMMANDS[w].changes and w not in ENDS], ids=" ".join)
def test_a_command_declared_as_reading_changes_nothing(words: tuple[str, ...], quiet: Session) -> None:
    before = len(quiet.simulation.log)
    for line in _lines(quiet, " ".join(words)):
        type_now(quiet, line)
    assert not [event for event in quiet.simulation.log.since(before) if event.kind == "changed"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "|",
        "| grep x",
        "slo |",
        "slo | | head",
        "slo | rm -rf /",
        "slo | grep",
        "slo | grep -E (",
        "slo | head -x",
        "slo | awk",
        "'",
        '"unclosed',
        "kubectl",
        "kubectl get",
        "kubctl get pods",
        "kubectl get pods; rm -rf /",
        "kubectl get pods && slo",
        "$(reboot)",
        "\x00",
        "\x1b[31mred",
        "٣",
        "note " + "x" * 1900,
        "x" * 5000,
        "metrics " + "(" * 1500,
        "hyp for 99999999999999999999 last",
        "ack " + "9" * 400,
        "severity",
        "kubectl scale deployment recommendation --replicas=" + "9" * 400,
        "kubectl logs deployment/gateway --tail 99999999999999999999",
        "kubectl logs deployment/gateway --since 99999999999h",
        "features materialize customer_activity --backfill 1e400h",
        "silence SiteOnDefaults --for 0s",
        "status next=never",
    ],
)
def test_nothing_typed_is_a_crash(line: str, quiet: Session) -> None:
    assert type_now(quiet, line).text.strip()


WORDS = sorted({word for words in COMMANDS for word in words} | {word for line in EXAMPLES.values() for word in line})
typed = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join),
    st.tuples(st.sampled_from(IDS), st.text(alphabet=st.characters(max_codepoint=127), max_size=30)).map(" ".join),
    st.tuples(
        st.sampled_from(IDS), st.sampled_from(["-1", "--for 0s", "a=b", "NaN", "1e999", "{}", "last", "1 2 3"])
    ).map(" ".join),
)


@settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(line=typed)
def test_no_line_whatever_it_holds_is_a_crash(line: str, quiet: Session) -> None:
    """Anything at all, biased towards what nearly is a command."""
    if re.match(r"\s*(resolve|postmortem)", line):
        return
    ran = type_now(quiet, line)
    assert ran.exit == 0 or ran.text.strip()
    quiet.complete(line)


@pytest.mark.parametrize("words", FORMS, ids=IDS)
def test_every_word_of_a_command_is_offered_from_its_first_letter(words: tuple[str, ...], quiet: Session) -> None:
    for size, word in enumerate(words):
        assert word in quiet.complete(" ".join([*words[:size], word[0]]))
