"""Pipe stages do what the tools of the same name do: the expected texts are those of GNU's, mawk's and jq's own."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.errors import CommandError
from simulator.shell.filters.chain import FILTERS, apply_filters

TEXT = "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"
PODS = {
    "items": [
        {"metadata": {"name": "a-1", "labels": {"app": "a"}}, "status": {"phase": "Running", "n": 3}},
        {"metadata": {"name": "b-1", "labels": {"app": "b"}}, "status": {"phase": "Pending", "n": 5.5}},
    ],
    "kind": "List",
}


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("grep web", "web-1 12\nweb-2 7\nweb-2 7"),
        ("grep -v web", "NAME CPU\ndb-1 120"),
        ("grep -c web", "3"),
        ("grep -n db", "4:db-1 120"),
        ("grep -i name", "NAME CPU"),
        ("grep -E 'web-1|db'", "web-1 12\ndb-1 120"),
        ("grep -w 12", "web-1 12"),
        ("grep -F .", ""),
        ("grep -o 'web-[0-9]'", "web-1\nweb-2\nweb-2"),
        ("grep -on '1.'", "2:1 \n2:12\n4:1 \n4:12"),
        ("grep -A1 db", "db-1 120\nweb-2 7"),
        ("grep -n -B1 db", "3-web-2 7\n4:db-1 120"),
        ("grep -1 -e NAME -e db", "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"),
        ("grep -m1 web", "web-1 12"),
        ("grep -P '\\d{3}$'", "db-1 120"),
        ("grep '\\<db'", "db-1 120"),
        ("egrep 'db|NAME'", "NAME CPU\ndb-1 120"),
        ("fgrep -v -- -1", "NAME CPU\nweb-2 7\nweb-2 7"),
        ("sed s/web/WEB/", "NAME CPU\nWEB-1 12\nWEB-2 7\ndb-1 120\nWEB-2 7"),
        ("sed 's/[e1]/_/g'", "NAME CPU\nw_b-_ _2\nw_b-2 7\ndb-_ _20\nw_b-2 7"),
        ("sed 's/1/X/2'", "NAME CPU\nweb-1 X2\nweb-2 7\ndb-1 X20\nweb-2 7"),
        ("sed -n '2,3p'", "web-1 12\nweb-2 7"),
        ("sed -n 's/web-\\(.\\) \\(.*\\)/\\2 of \\1/p'", "12 of 1\n7 of 2\n7 of 2"),
        ("sed -E 's|([a-z]+)-([0-9])|\\2/\\1|'", "NAME CPU\n1/web 12\n2/web 7\n1/db 120\n2/web 7"),
        ("sed 's/[0-9]*$/<&>/;1d'", "web-1 <12>\nweb-2 <7>\ndb-1 <120>\nweb-2 <7>"),
        ("sed '$d'", "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120"),
        ("sed '3q'", "NAME CPU\nweb-1 12\nweb-2 7"),
        ("sed '/web/!d'", "web-1 12\nweb-2 7\nweb-2 7"),
        ("sed '2,/db/d'", "NAME CPU\nweb-2 7"),
        ("sed 's/2*/-/g'", "-N-A-M-E- -C-P-U-\n-w-e-b---1- -1-\n-w-e-b--- -7-\n-d-b---1- -1-0-\n-w-e-b--- -7-"),
        ("tr a-z A-Z", "NAME CPU\nWEB-1 12\nWEB-2 7\nDB-1 120\nWEB-2 7"),
        ("tr -d e-", "NAME CPU\nwb1 12\nwb2 7\ndb1 120\nwb2 7"),
        ("tr -s '12 '", "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"),
        ("tr ' ' '\\n'", "NAME\nCPU\nweb-1\n12\nweb-2\n7\ndb-1\n120\nweb-2\n7"),
        ("tr -cd '0-9\\n'", "\n112\n27\n1120\n27"),
        ("tr '[:lower:]' _", "NAME CPU\n___-1 12\n___-2 7\n__-1 120\n___-2 7"),
        ("nl", "     1\tNAME CPU\n     2\tweb-1 12\n     3\tweb-2 7\n     4\tdb-1 120\n     5\tweb-2 7"),
        ("cat", "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"),
        ("cat -n", "     1\tNAME CPU\n     2\tweb-1 12\n     3\tweb-2 7\n     4\tdb-1 120\n     5\tweb-2 7"),
        ("tac", "web-2 7\ndb-1 120\nweb-2 7\nweb-1 12\nNAME CPU"),
        ("paste -sd,", "NAME CPU,web-1 12,web-2 7,db-1 120,web-2 7"),
        ("sort", "NAME CPU\ndb-1 120\nweb-1 12\nweb-2 7\nweb-2 7"),
        ("sort -k2 -n", "NAME CPU\nweb-2 7\nweb-2 7\nweb-1 12\ndb-1 120"),
        ("sort -rnk 2", "db-1 120\nweb-1 12\nweb-2 7\nweb-2 7\nNAME CPU"),
        ("sort -k2,2nr", "db-1 120\nweb-1 12\nweb-2 7\nweb-2 7\nNAME CPU"),
        ("sort -u", "NAME CPU\ndb-1 120\nweb-1 12\nweb-2 7"),
        ("sort -t- -k2,2", "NAME CPU\nweb-1 12\ndb-1 120\nweb-2 7\nweb-2 7"),
        ("uniq", "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"),
        ("uniq -c", "      1 NAME CPU\n      1 web-1 12\n      1 web-2 7\n      1 db-1 120\n      1 web-2 7"),
        ("uniq -d", ""),
        ("cut -d- -f2", "NAME CPU\n1 12\n2 7\n1 120\n2 7"),
        ("cut -d- -f2 -s", "1 12\n2 7\n1 120\n2 7"),
        ("cut -c 1-2", "NA\nwe\nwe\ndb\nwe"),
        ("head -n 1", "NAME CPU"),
        ("head -2", "NAME CPU\nweb-1 12"),
        ("head -n -4", "NAME CPU"),
        ("tail -1", "web-2 7"),
        ("tail -n +5", "web-2 7"),
        ("tail -n 0", ""),
        ("wc -l", "5"),
        ("wc -w", "10"),
        ("less", "NAME CPU\nweb-1 12\nweb-2 7\ndb-1 120\nweb-2 7"),
        ("awk '{print $1}'", "NAME\nweb-1\nweb-2\ndb-1\nweb-2"),
        ("awk '{print $NF, $1}'", "CPU NAME\n12 web-1\n7 web-2\n120 db-1\n7 web-2"),
        ("awk -F- '{print $2 \"/\" $1}'", "/NAME CPU\n1 12/web\n2 7/web\n1 120/db\n2 7/web"),
        ("awk '$2 > 10 {print $1}'", "NAME\nweb-1\ndb-1"),
        ("awk '$2 > 10'", "NAME CPU\nweb-1 12\ndb-1 120"),
        ("awk '/web/ && $2 != 7 {print NR \": \" $0}'", "2: web-1 12"),
        ("awk 'NR > 1 {s += $2} END {print s, NR, s / 2}'", "146 5 73"),
        (
            "awk '{printf \"%-6s|%5.1f\\n\", $1, $2}'",
            "NAME  |  0.0\nweb-1 | 12.0\nweb-2 |  7.0\ndb-1  |120.0\nweb-2 |  7.0",
        ),
        ("awk '$1 ~ /^web/ {n++; next} {print \"other\", $1} END {print n}'", "other NAME\nother db-1\n3"),
        ('awk \'{if ($2 > 10) print "big"; else {print "small"}}\'', "big\nbig\nsmall\nbig\nsmall"),
        ("awk 'BEGIN {print \"head\"} NR == 2 {print toupper(substr($1, 1, 3)) length($1)}'", "head\nWEB5"),
        ('awk -v most=10 \'$2 + 0 < most && !/N/ {print ($2 < 8) ? "low" : "mid"}\'', "low\nlow"),
        ("awk -F'[- ]' '{print $NF; exit_ = 1}'", "CPU\n12\n7\n120\n7"),
        ("column -t", "NAME   CPU\nweb-1  12\nweb-2  7\ndb-1   120\nweb-2  7"),
    ],
)
def test_a_stage_does_what_the_tool_does(stage: str, expected: str) -> None:
    assert apply_filters(TEXT, [shlex.split(stage)]) == expected


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (".kind", "List"),
        (".items[].metadata.name", "a-1\nb-1"),
        (".items|length", "2"),
        ('.items[]|select(.status.phase!="Running")|.metadata.name', "b-1"),
        ("[.items[].status.n]|add", "8.5"),
        (
            ".items[]|{name:.metadata.name, phase:.status.phase}",
            '{"name":"a-1","phase":"Running"}\n{"name":"b-1","phase":"Pending"}',
        ),
        (".items|sort_by(.status.n)|reverse|.[0].metadata.name", "b-1"),
        (
            ".items|group_by(.status.phase)|map({phase:.[0].status.phase,count:length})",
            '[{"phase":"Pending","count":1},{"phase":"Running","count":1}]',
        ),
        ('.items[]|"\\(.metadata.name): \\(.status.n * 2)"', "a-1: 6\nb-1: 11"),
        ('.items[].metadata.labels|to_entries|map("\\(.key)=\\(.value)")|join(",")', "app=a\napp=b"),
        (".items[]|[.metadata.name,.status.n]|@tsv", "a-1\t3\nb-1\t5.5"),
        ("keys", '["items","kind"]'),
        ('.items[0].nope // "none"', "none"),
        ('.kind|test("^l";"i")', "true"),
        (".items|any(.status.n>5)", "true"),
        ('if .kind=="List" then "yes" else "no" end', "yes"),
        (".items[1:]|map(.status)", '[{"phase":"Pending","n":5.5}]'),
        (".items[].status.n/2", "1.5\n2.75"),
        ('.items|map(.metadata.name|startswith("a"))', "[true,false]"),
        ("[limit(1;.items[])]|length", "1"),
        ('.items|min_by(.status.n).metadata["name"]', "a-1"),
        ('.items[0]."metadata".name|split("-")', '["a","1"]'),
        ('with_entries(select(.key=="kind"))', '{"kind":"List"}'),
        (".kind[0:2], -1, 7 % 4, (null|not)", "Li\n-1\n3\ntrue"),
        ("[.items[]?.nope?.x]", "[null,null]"),
        (".kind.x", 'jq: error (at <stdin>:1): Cannot index string with string "x"'),
    ],
)
def test_jq_answers_as_jq_does(program: str, expected: str) -> None:
    assert apply_filters(json.dumps(PODS), [["jq", "-r", "-c", program]]) == expected


def test_jq_prints_objects_over_lines_and_takes_values_by_name() -> None:
    assert apply_filters('{"b":[1],"a":"x"}', [["jq", "-S", "."]]) == '{\n  "a": "x",\n  "b": [\n    1\n  ]\n}'
    assert apply_filters('"b-1" "c"', [["jq", "--arg", "of", "b", "select(startswith($of))"]]) == '"b-1"'
    assert apply_filters("NAME\nx", [["jq", "."]]).startswith("jq: parse error")


@pytest.mark.parametrize(
    "program",
    ['"a"' + "|.+." * 100, "[" + "(1,2,3,4)" + "|(1,2,3,4)" * 40 + "]|length", "[..]|" * 40 + "length"],
)
def test_no_jq_program_runs_away(program: str) -> None:
    shown = apply_filters(json.dumps(PODS), [["jq", program]])
    assert len(shown) < 10_000


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("foo", "foo: not a filter"),
        ("", ": not a filter"),
        ("grep", "grep: no pattern"),
        ("grep a file", "grep: file: No such file or directory"),
        ("grep -P '(?=a)b'", "bad pattern: look-around is not supported"),
        ("grep -E '(a)\\1'", "bad pattern: back-references are not supported"),
        ("grep -A x y", "grep: invalid number: 'x'"),
        ("head -n x", "head: invalid number: 'x'"),
        ("head a b", "head: a: No such file or directory"),
        ("cut", "cut: you must specify a list of fields"),
        ("cut -f x", "cut: invalid field list 'x'"),
        ("sort -k 0", "sort: field numbers start at 1"),
        ("sort -k x", "sort: invalid key 'x'"),
        ("wc -z", "wc: option -z not recognized"),
        ("awk", "awk: no program"),
        ("awk '{system(1)}'", "awk: system is not possible here"),
        ("awk '{n[$1]++}'", "awk: arrays are not possible here; count with sort | uniq -c"),
        ("awk '{print $1 > \"f\"}'", "awk: print cannot write to a file or a command here"),
        ("awk '{while (1) x}'", "awk: while is not possible here"),
        ("sed s/a/b", "sed: missing / in 's/a/b'"),
        ("sed -i s/a/b/", "sed: there is no file to edit in place"),
        ("sed y/a/b/", "sed: unknown command: 'y'"),
        ("tr a", "tr: missing operand"),
        ("tr z-a b", "tr: range z-a is in reverse order"),
        ("column", "column: only tables are made here"),
        ("jq .a[", "jq: syntax error, unexpected 'end of the program'"),
        ("jq now", "jq: now is not possible here"),
        ("jq env.HOME", "jq: env is not possible here"),
        ("jq $ENV", "jq: $ENV is not there"),
        ("jq 'def f: f; f'", "jq: def is not possible here"),
        ("jq nosuch", "jq: nosuch/0 is not defined here"),
        ("jq 'select(.a; .b)'", "jq: select/2 is not defined"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(stage: str, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        apply_filters("", [shlex.split(stage)])
    assert caught.value.what == said
    assert caught.value.fix


def test_stages_follow_each_other() -> None:
    stages = [["grep", "web"], ["sort"], ["uniq", "-c"], ["sort", "-rn"], ["head", "-1"], ["awk", "{print $1}"]]
    assert apply_filters(TEXT, stages) == "2"


def test_sizes_sort_by_value() -> None:
    assert apply_filters("2Gi\n512Mi\n1Gi", [["sort", "-h"]]) == "512Mi\n1Gi\n2Gi"


def test_an_unknown_filter_names_those_there_are() -> None:
    with pytest.raises(CommandError) as caught:
        apply_filters(TEXT, [["gerp", "x"]])
    assert all(name in str(caught.value) for name in (*FILTERS, "xargs", "tee"))


@given(st.text(max_size=60), st.lists(st.text(max_size=12), max_size=4), st.sampled_from(sorted(FILTERS)))
def test_any_words_give_text_or_a_refusal(text: str, words: list[str], name: str) -> None:
    with suppress(CommandError):
        assert isinstance(apply_filters(text, [[name, *words]]), str)


LETTERS = st.text(alphabet="$01aNF {}()[].,|/\\;:\"'+-*<>=!~?&pdsg#\n", max_size=25)


@given(LETTERS, st.sampled_from(["awk", "sed", "jq", "tr", "grep"]))
def test_any_program_gives_text_or_a_refusal(program: str, name: str) -> None:
    with suppress(CommandError):
        assert isinstance(apply_filters('{"a": [1, "x"]}', [[name, program]]), str)
