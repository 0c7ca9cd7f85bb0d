"""Impact in both directions."""

from __future__ import annotations

import pytest

from reference_platform.errors import CommandError
from reference_platform.features.definition_set import UnknownFeatureError
from reference_platform.features.governance.access import EVERYTHING
from reference_platform.features.governance.graph import Downstream, LineageGraph
from reference_platform.features.governance.uses import ModelUse
from tests.unit.reference_platform.features.governance.people import everything

ALL = everything()
CHURN = ModelUse("churn", 4, "champion", ("profile:age", "selling:sum_7d"))
COMPUTED = ModelUse("churn", 5, "", ("doubles:*",))
LETTERS = ModelUse("letters", 1, "", (), "letters")
GRAPH = LineageGraph(ALL, [CHURN, COMPUTED, LETTERS])


def test_downstream_follows_on_demand_views_services_and_models() -> None:
    assert GRAPH.downstream("profile:age") == Downstream(("doubles:doubled",), ("churn",), (CHURN, COMPUTED))
    assert GRAPH.downstream("sales:sum_7d") == Downstream((), ("churn", "turnover"), (CHURN,))
    assert GRAPH.downstream("sales:count_7d") == Downstream((), ("turnover",), ())


def test_upstream_goes_back_to_views_and_sources() -> None:
    found = GRAPH.upstream("churn", 5)
    assert found.features == ("doubles:doubled", "profile:age")
    assert found.views == ("doubles", "profile")
    assert found.sources == ("profile",)
    assert GRAPH.upstream("letters", 1).services == ("letters",)


def test_hidden_features_are_nodes_under_their_class() -> None:
    assert GRAPH.upstream("letters", 1).features == ("mail_facts:pii:email", "profile:pii:email", "profile:pii:phone")
    with pytest.raises(UnknownFeatureError) as caught:
        GRAPH.downstream("profile:mailbox")
    assert "mailbox" not in caught.value.fix
    assert GRAPH.downstream("profile:pii:email").models == (LETTERS,)
    assert LineageGraph(ALL, [LETTERS], visible=EVERYTHING).downstream("profile:mailbox").models == (LETTERS,)


def test_what_is_not_known_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UnknownFeatureError) as caught:
        GRAPH.downstream("profile:aeg")
    assert caught.value.fix == 'did you mean "profile:age"?'
    with pytest.raises(CommandError, match='nothing is known of model "churn" v9') as unknown:
        GRAPH.upstream("churn", 9)
    assert unknown.value.fix.startswith('did you mean "churn v')
