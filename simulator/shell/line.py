"""A typed line taken apart as a shell would: commands joined by ; && ||, pipes, redirections, quotes, comments.

Nothing is expanded and nothing is run here; what a shell could do and this one cannot is refused with advice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from reference_platform.errors import CommandError
from simulator.shell.registry import LINE_MAX_CHARS, TEXT_MAX_CHARS, Command, form_of

Joint = Literal["", ";", "&&", "||"]
Errors = Literal["shown", "merged", "dropped"]
ITEMS_MAX = 20
WATCH_S = 2.0
WATCH_MAX_S = 60.0
NOWHERE = "/dev/null"
_WATCH = re.compile(
    r"watch\s+(?:(?:-n\s*(?P<every>[\d.]{1,6})|--interval[=\s](?P<interval>[\d.]{1,6})|-[dtcegbx]+|--[a-z-]+)\s+)*"
)
_BEFORE = re.compile(r"(?:sudo|command|time)\s+(?=[^\s|;&-])")
_REDIRECT = re.compile(r"(?P<from>[012&])?(?P<way>>>?|<<?<?)(?:&(?P<to>\d))?")
_NAME = re.compile(r"[\w./-]{1,80}")
_KEYWORDS = (
    "for",
    "while",
    "until",
    "if",
    "case",
    "function",
    "export",
    "alias",
    "eval",
    "exec",
    "source",
    "set",
    "unset",
)
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")


@dataclass(slots=True)
class Item:
    """One command of a line with the filters behind it. `text` is what was typed of it.

    `keeps` is the name that its output is written to, "" for the terminal. `watch_s` repeats it that often.
    """

    joint: Joint
    text: str = ""
    stages: list[list[str]] = field(default_factory=lambda: [[]])
    keeps: str = ""
    appends: bool = False
    errors: Errors = "shown"
    watch_s: float | None = None
    timed: bool = False


def parse_line(line: str) -> list[Item]:
    """The commands of a line. Raises CommandError for open quotes, empty commands, long lines and what is not done.

    A command that takes the rest of the line verbatim gets it as the one word after its leading words; text runs to the
    end of the line, a query to the next | ; && || outside of quotes and brackets.
    """
    head = form_of(line[:LINE_MAX_CHARS])
    longest = TEXT_MAX_CHARS if head is not None and head[0].rest == "text" else LINE_MAX_CHARS
    if len(line) > longest:
        raise CommandError(f"line of {len(line)} characters", fix=f"at most {longest}")
    return _Reader(line).items()


def split_pipes(line: str) -> list[list[str]]:
    """Words of each stage of the first command of a line. Raises CommandError."""
    return parse_line(line)[0].stages


class _Reader:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def items(self) -> list[Item]:
        found: list[Item] = []
        joint: Joint | None = ""
        while joint is not None:
            item = Item(joint)
            begins = self._skipped()
            following = self._read(item)
            item.text = self._line[begins : self._at].strip()
            self._at += len(following or "")
            if item.stages == [[]]:
                if following is None and joint == ";":
                    return found
                if found or following is not None:
                    near = following or joint
                    raise CommandError(f"syntax error near {near}", fix=f"write a command on both sides of {near}")
            found.append(item)
            if len(found) > ITEMS_MAX:
                raise CommandError(f"more than {ITEMS_MAX} commands on one line", fix="type them one after the other")
            joint = following
        return found

    def _skipped(self) -> int:
        while self._line[self._at : self._at + 1].isspace():
            self._at += 1
        return self._at

    def _read(self, item: Item) -> Joint | None:
        """Read one command. What joins it to the next one, None at the end."""
        self._prefixes(item)
        if item.stages == [[]]:
            rest = self._line[self._at :]
            form = form_of(rest)
            if form is not None and form[0].rest != "words" and self._verbatim(item, form, rest):
                return None
        return self._stages(item)

    def _prefixes(self, item: Item) -> None:
        """Take `time`, `sudo` and `watch` off the front."""
        while (found := _BEFORE.match(self._line, self._at)) is not None:
            item.timed = item.timed or found[0].startswith("time")
            self._at = found.end()
        watch = _WATCH.match(self._line, self._at)
        if watch is None:
            return
        every = watch["every"] or watch["interval"] or str(WATCH_S)
        try:
            item.watch_s = min(max(float(every), 0.1), WATCH_MAX_S)
        except ValueError:
            raise CommandError(
                f"watch: failed to parse argument: {every!r}", fix="such as watch -n 5 kubectl get pods"
            ) from None
        self._at = watch.end()
        if self._line[self._at : self._at + 1] in ("'", '"'):
            inner = parse_line(self._word() or "")
            if len(inner) != 1:
                raise CommandError(
                    "watch: one command at a time", fix="such as watch 'kubectl get pods | grep gateway'"
                )
            item.stages = inner[0].stages

    def _verbatim(self, item: Item, form: tuple[Command, int], rest: str) -> bool:
        """Read a command that takes its rest as typed. Whether the line is over with it."""
        found, size = form
        leading = re.match(rf"\s*(?:\S+\s*){{{size}}}", rest)
        assert leading is not None, "the form was found by these words"
        words = leading[0].split()
        text = rest[leading.end() :]
        cut = _end_of_query(text) if found.rest == "query" else len(text)
        own = text[:cut].rstrip()
        if found.rest == "query":
            while (ending := re.search(r"\s+2>\s*(&1|/dev/null)$", own)) is not None:
                item.errors = "merged" if ending[1] == "&1" else "dropped"
                own = own[: ending.start()]
        item.stages = [[*words, own] if own else words]
        self._at += leading.end() + cut
        return self._at >= len(self._line)

    def _stages(self, item: Item) -> Joint | None:
        while True:
            self._skipped()
            char, two = self._line[self._at : self._at + 1], self._line[self._at : self._at + 2]
            if char == "" or (char == "#" and not self._line[self._at + 1 : self._at + 2].isdigit()):
                self._close(item)
                if char:
                    self._line = self._line[: self._at]
                return None
            if two in ("&&", "||") or char == ";":
                self._close(item)
                return "&&" if two == "&&" else "||" if two == "||" else ";"
            if char == "|":
                self._at += 2 if two == "|&" else 1
                item.errors = "merged" if two == "|&" else item.errors
                item.stages.append([])
            elif char == "&" and two != "&>":
                raise CommandError("&: nothing runs in the background here", fix="leave it out, or quote it: '&'")
            elif (redirect := _REDIRECT.match(self._line, self._at)) is not None:
                self._redirect(item, redirect)
            else:
                word = self._word()
                if word is not None:
                    item.stages[-1].append(word)

    def _close(self, item: Item) -> None:
        if len(item.stages) > 1 and not all(item.stages):
            raise CommandError("empty stage in a pipe", fix="write a command on both sides of |")
        head = item.stages[0][0] if item.stages[0] else ""
        if head in _KEYWORDS:
            raise CommandError(
                f"{head}: not possible here", fix="for many things: COMMAND | xargs -n1 COMMAND; later: watch"
            )
        if _ASSIGNED.match(head) and len(item.stages[0]) == 1:
            raise CommandError(f"{head[:40]}: there are no variables here", fix="type the value where it is needed")

    def _redirect(self, item: Item, found: re.Match[str]) -> None:
        if found["way"].startswith("<"):
            raise CommandError(
                "<: nothing can be read from here", fix="cat NOTE | COMMAND reads what was kept by > NOTE"
            )
        self._at = found.end()
        source = found["from"] or "1"
        if found["to"] is not None:
            if source == "2" and found["to"] == "1":
                item.errors = "merged"
            return
        self._skipped()
        name = self._word() or ""
        if not _NAME.fullmatch(name) or name.startswith("-"):
            raise CommandError(
                f"{name[:40] or '>'}: no name to keep the output by", fix="such as > pods.txt; cat pods.txt"
            )
        if source == "2":
            item.errors = "dropped" if name == NOWHERE else item.errors
            return
        if source == "&":
            item.errors = "dropped" if name == NOWHERE else "merged"
        item.keeps, item.appends = name, found["way"] == ">>"

    def _word(self) -> str | None:
        """The next word without its quotes; None when there is none."""
        out: list[str] = []
        begins = self._at
        while self._at < len(self._line):
            char = self._line[self._at]
            if char == "'":
                out.append(self._quoted())
            elif char == '"':
                out.append(self._in_double_quotes())
            elif char == "\\":
                if self._at + 1 >= len(self._line):
                    raise CommandError("cannot read the line: it ends with a backslash", fix="leave it out")
                out.append(self._line[self._at + 1])
                self._at += 2
            elif char.isspace() or char in "|;" or self._ends_word(char):
                break
            else:
                self._refuse_substitution()
                out.append(char)
                self._at += 1
        return "".join(out) if self._at > begins else None

    def _ends_word(self, char: str) -> bool:
        before, after = self._line[self._at - 1 : self._at], self._line[self._at + 1 : self._at + 2]
        if char == "&":
            return after in ("&", ">", "") or after.isspace()
        return char == ">" and before not in ("-", "=", "!", "<", "")

    def _quoted(self) -> str:
        closing = self._line.find("'", self._at + 1)
        if closing < 0:
            raise CommandError("cannot read the line: No closing quotation", fix="close the quote")
        text = self._line[self._at + 1 : closing]
        self._at = closing + 1
        return text

    def _in_double_quotes(self) -> str:
        out: list[str] = []
        self._at += 1
        while self._at < len(self._line):
            char = self._line[self._at]
            if char == '"':
                self._at += 1
                return "".join(out)
            if char == "\\" and self._line[self._at + 1 : self._at + 2] in ('"', "\\", "$", "`"):
                self._at += 1
                char = self._line[self._at]
            else:
                self._refuse_substitution()
            out.append(char)
            self._at += 1
        raise CommandError("cannot read the line: No closing quotation", fix="close the quote")

    def _refuse_substitution(self) -> None:
        if self._line.startswith("$(", self._at) or self._line[self._at] == "`":
            shown = "$(...)" if self._line[self._at] == "$" else "`...`"
            fix = "run the inner command first and type what it printed, or pipe it: COMMAND | xargs COMMAND"
            raise CommandError(f"{shown}: a command within a command is not run here", fix=fix)


def _end_of_query(text: str) -> int:
    """Where a query ends: at | ; or && outside of quotes and brackets. An unpaired quote is a letter."""
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char in "\"'`":
            closing = text.find(char, at + 1)
            at = closing if closing > 0 else at
        elif char in "{([":
            depth += 1
        elif char in "})]":
            depth = max(0, depth - 1)
        elif depth == 0 and (char in "|;" or text.startswith("&&", at)):
            return at
        at += 1
    return len(text)
