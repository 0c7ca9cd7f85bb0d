"""Why a served value differs from what training would have seen: the rules, in their order of precedence.

Instants come before values: which row was served is known from its event time, whatever the values say.

Expected row: the newest row of the key at the read instant, known by then (see audit.py). Same, older and newer go by
the event time that was logged. Written: not before every pushed row of a smaller number had become known.

1. future event: the served row's event time lies after the read.
2. ttl: a value was served although the newest row was expired; or the expected row was served as OUTSIDE_MAX_AGE
   although it was fresh; or nothing was found and the row was expired by the ttl that was logged, not by today's.
3. null policy: nothing was found, null was expected, and a default was served.
4. key encoding: no row of this key equals what was served, but one of the served event time under another spelling of
   the key does (case, spaces, leading zeros, parts of a composite key run together).
5. late data: an older row or none was served, and the expected row was written after the read (or, without the
   knowledge cutoff, became known after it); or the served row is newer and history holds it as known only after the
   read, or never; or what was served equals a version of the same event that became known after the read.
6. missing materialisation: an older row or none was served although the expected row was known in time; or what was
   served equals an older version of the same event.
7. code version: the fingerprint of the view's code is not the one logged; or it changed in the log after the expected
   row became known and before the read.
8. online only: history has no row of the served event time for this key; it was written online only, or deleted since.
9. null policy: one side is null and the other a default (0, NaN, -1, False, empty); or every null of the feature that
   nothing above explains was served as one and the same value.
10. unexplained: none of these.

A computed feature takes the cause of the first of its inputs that differs, if its function gives what was served once
it is given the inputs that were served; then rules 7, 9 and 10. Inputs that were not logged are guessed: attempts.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column
from reference_platform.features.online_store.port import Status
from reference_platform.features.skew.comparison import Flags, agree, is_default, one_constant
from reference_platform.features.skew.evidence import Instants, Versions
from reference_platform.features.skew.recompute import Answer
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import FeatureType

Codes = NDArray[np.int8]
CONSTANT_LEAST = 5
"""Nulls that must have been served as one and the same value before that counts as a policy."""


class Cause(StrEnum):
    """Why a value differs. The order is that of reports."""

    LATE_DATA = "late data"
    MISSING_MATERIALIZATION = "missing materialisation"
    TTL = "ttl"
    CODE_VERSION = "code version"
    NULL_POLICY = "null policy"
    FUTURE_EVENT = "future event"
    ONLINE_ONLY = "online only"
    KEY_ENCODING = "key encoding"
    UNEXPLAINED = "unexplained"


CAUSES = tuple(Cause)
NUMBER = {cause: number for number, cause in enumerate(CAUSES)}
NONE = -1
"""Stands where nothing differs."""


@dataclass(frozen=True, slots=True)
class Served:
    """One look-up as it was served, for some vectors. `event_us` is NEVER_US where no row was found."""

    read_us: Instants
    event_us: Instants
    statuses: tuple[NDArray[np.uint8], ...]
    values: tuple[Column, ...]

    def take(self, rows: NDArray[np.integer]) -> Served:
        """Some of the vectors."""
        return Served(
            self.read_us[rows],
            self.event_us[rows],
            tuple(status[rows] for status in self.statuses),
            tuple(column.take(rows) for column in self.values),
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a look-up beside the values.

    `code_differs`: the fingerprint logged is not today's. `code_since_us`: when, by the log, today's code took over
    from other code; None if it always was there. `logged_ttl_us`: the ttl that serving went by.
    """

    code_differs: bool
    code_since_us: int | None
    logged_ttl_us: int | None
    ttl_us: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Evidence per look-up, the same for all its features."""

    future: Flags
    behind: Flags
    ahead: Flags
    same: Flags
    dropped_by_ttl: Flags
    late: Flags
    recoded: Flags

    @classmethod
    def of(cls, served: Served, answer: Answer, versions: Versions, rules: Rules) -> Facts:
        """What the instants say."""
        found = served.event_us != NEVER_US
        future = found & (served.event_us > served.read_us)
        older = ~found | (served.event_us < answer.event_us)
        behind = answer.fresh & older & ~future
        ahead = found & ~future & (~answer.found | (served.event_us > answer.event_us))
        same = found & answer.found & (served.event_us == answer.event_us) & ~future
        age_us = served.read_us - np.where(answer.found, answer.event_us, served.read_us)
        gone = rules.logged_ttl_us is not None and rules.logged_ttl_us != rules.ttl_us
        dropped = behind & ~found & gone & (age_us > (rules.logged_ttl_us or 0))
        written_us = np.maximum(versions.arrivals.written_us(answer.sequence), answer.created_us)
        late = answer.found & (written_us > served.read_us)
        recoded = np.full(len(found), rules.code_differs)
        if rules.code_since_us is not None and not rules.code_differs:
            recoded |= (
                answer.found & (answer.created_us < rules.code_since_us) & (served.read_us >= rules.code_since_us)
            )
        return cls(future, behind, ahead, same, dropped, late, recoded)


def name_causes(
    served: Served,
    answer: Answer,
    versions: Versions,
    facts: Facts,
    feature: int,
    kind: FeatureType,
    differs: Flags,
) -> Codes:
    """The cause of each difference of one feature of a look-up, by number; NONE where `differs` is False."""
    value, stored = served.values[feature], answer.values[feature]
    given, expected_given = value.mask(), stored.mask() & answer.fresh
    status = served.statuses[feature]
    filled = given & ~expected_given & is_default(value, kind)
    emptied = ~given & expected_given & is_default(stored, kind)
    if one_constant(value, differs & given & ~expected_given & ~facts.behind & ~facts.ahead, CONSTANT_LEAST):
        filled |= given & ~expected_given
    unfound = served.event_us == NEVER_US
    expired = answer.found & ~answer.fresh
    equals_stored = agree(value, stored, kind) & given
    handed_out = equals_stored & (status != Status.OUTSIDE_MAX_AGE)
    kept = expired & given & ~unfound & ~facts.ahead & (handed_out | ~filled)
    withheld = facts.same & ~given & answer.fresh & (status == Status.OUTSIDE_MAX_AGE)
    rules_in_order = [
        (facts.future, Cause.FUTURE_EVENT),
        (kept | withheld | (facts.dropped_by_ttl & ~given), Cause.TTL),
        (unfound & ~expected_given & filled, Cause.NULL_POLICY),
        (~unfound & versions.other_key, Cause.KEY_ENCODING),
        (facts.behind & facts.late, Cause.LATE_DATA),
        (facts.ahead & versions.exists & versions.known_later, Cause.LATE_DATA),
        (facts.same & versions.same_later & ~versions.same_known, Cause.LATE_DATA),
        (facts.same & versions.same_known & facts.late, Cause.LATE_DATA),
        (facts.behind, Cause.MISSING_MATERIALIZATION),
        (facts.same & versions.same_known, Cause.MISSING_MATERIALIZATION),
        (facts.recoded, Cause.CODE_VERSION),
        (facts.ahead & ~versions.exists, Cause.ONLINE_ONLY),
        (filled | emptied, Cause.NULL_POLICY),
    ]
    codes = np.full(len(differs), NUMBER[Cause.UNEXPLAINED], dtype=np.int8)
    for holds, cause in reversed(rules_in_order):
        codes[holds] = NUMBER[cause]
    codes[~differs] = NONE
    return codes


def name_computed(
    value: Column, expected: Column, kind: FeatureType, differs: Flags, inherited: Codes, code_differs: bool
) -> Codes:
    """The cause of each difference of a computed feature; `inherited`: causes of its inputs, where those suffice."""
    filled = (value.mask() & ~expected.mask() & is_default(value, kind)) | (
        ~value.mask() & expected.mask() & is_default(expected, kind)
    )
    rest = np.where(filled, NUMBER[Cause.NULL_POLICY], NUMBER[Cause.UNEXPLAINED])
    rest = np.full_like(rest, NUMBER[Cause.CODE_VERSION]) if code_differs else rest
    codes = np.where(inherited != NONE, inherited, rest).astype(np.int8)
    codes[~differs] = NONE
    return codes
