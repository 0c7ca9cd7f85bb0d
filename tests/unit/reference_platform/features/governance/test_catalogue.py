"""The catalogue: search, texts, the page, and what it does not show."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Field
from reference_platform.features.governance.access import EVERYTHING, Grants
from reference_platform.features.governance.catalogue import Catalogue
from reference_platform.features.governance.catalogue_entry import Entry
from reference_platform.features.governance.uses import ModelUse
from reference_platform.features.sources import KafkaSource, PushSource
from reference_platform.features.types import Float64
from tests.unit.reference_platform.features.governance.people import NOW_US, everything, grant, profile, sales

ALL = everything()
USES = (ModelUse("churn", 4, "champion", ("profile:age", "profile:mailbox")), ModelUse("sales", 2, "", ("sales:*",)))
OPEN = Catalogue.of(ALL, USES)
HIDDEN = ("mailbox", "mobile_no", "passport", "vault", "letters", "mail_facts", "domain_length")


def _names(query: str, catalogue: Catalogue = OPEN) -> list[str]:
    return [entry.name for entry in catalogue.search(query)]


def _entry(name: str, catalogue: Catalogue = OPEN) -> Entry:
    (found,) = [entry for entry in catalogue.entries if entry.name == name and entry.kind != "source"]
    return found


def test_everything_declared_has_an_entry_with_what_is_known_of_it() -> None:
    age = _entry("profile:age")
    assert (age.kind, age.owner, age.dtype, age.unit, age.ttl, age.sla) == (
        "feature",
        "crm",
        "Int64",
        "year",
        "30d",
        "1h",
    )
    assert (age.source, age.entities, age.models) == ("profile", ("user",), ("churn v4 (champion)",))
    assert _entry("churn").features == ("profile:age", "sales:sum_7d", "doubles:doubled")
    assert _entry("churn").models == ("churn v4 (champion)", "sales v2")
    assert _entry("turnover").models == ("sales v2",)
    assert _entry("profile").tags == (("team", "crm"),)
    assert _entry("sales").ttl == "forever"
    assert [entry.kind for entry in OPEN.entries] == sorted(
        (entry.kind for entry in OPEN.entries),
        key=["entity", "source", "feature view", "on-demand view", "feature", "service"].index,
    )


@pytest.mark.parametrize("shown", ["to_text", "to_html", "to_json"])
def test_what_a_role_may_not_see_is_absent_from_every_form(shown: str) -> None:
    made = getattr(OPEN, shown)()
    text = made.decode() if isinstance(made, bytes) else made
    for name in HIDDEN:
        assert name not in text, name
    assert "profile:age" in text
    assert not [entry for entry in OPEN.entries if entry.name == "border"]
    everything_shown = getattr(Catalogue.of(ALL, USES, visible=EVERYTHING), shown)()
    for name in ("mailbox", "passport", "domain_length"):
        assert name in (everything_shown if isinstance(everything_shown, str) else everything_shown.decode())


def test_a_grant_shows_its_fields_and_their_class() -> None:
    catalogue = Catalogue.of(ALL, USES, visible=Grants([grant()]).visible("support", "tickets", NOW_US))
    assert _entry("profile:mailbox", catalogue).pii == "email"
    assert "mobile_no" not in catalogue.to_text()
    assert _entry("profile", catalogue).description == "Who our users are, [withheld] included."
    assert _entry("letters", catalogue).features == ("profile:mailbox", "mail_facts:domain_length")


def test_search_wants_every_word_and_puts_names_before_tags_before_descriptions() -> None:
    found = Catalogue(
        [
            Entry(kind="feature", name="a:price", description="x"),
            Entry(kind="feature", name="b:list_price", description="x"),
            Entry(kind="feature", name="c:x", tags=(("about", "price"),)),
            Entry(kind="feature", name="d:x", description="The price."),
            Entry(kind="feature", name="e:priceless", description="x"),
            Entry(kind="feature", name="f:overpriced", description="x"),
            Entry(kind="feature", name="g:x", description="Nothing."),
        ]
    )
    assert _names("PRICE", found) == ["a:price", "b:list_price", "e:priceless", "f:overpriced", "c:x", "d:x"]
    assert _names("price list", found) == ["b:list_price"]
    assert _names("price nothing", found) == []
    assert len(_names("", found)) == 7
    assert _names("profile age")[0] == "profile:age"
    assert "churn" in _names("growth")
    assert _names("mailbox") == []


def test_search_survives_any_text() -> None:
    for query in ("(", "\\", "a" * 10_000, "\ud800", "' OR 1=1 --", " ".join(["x"] * 1000)):
        assert isinstance(OPEN.search(query), tuple)


def test_the_table_has_one_line_an_entry() -> None:
    lines = OPEN.to_text().splitlines()
    assert len(lines) == len(OPEN.entries) + 2
    assert lines[0].split()[:2] == ["kind", "name"]
    assert lines[-1] == f"{len(OPEN.entries)} entries"
    assert Catalogue([]).to_text() == "kind  name\n0 entries"


def test_json_is_a_list_of_objects() -> None:
    documents = json.loads(OPEN.to_json())
    assert len(documents) == len(OPEN.entries)
    (found,) = [document for document in documents if document["name"] == "profile" and document["kind"] != "source"]
    assert found["tags"] == {"team": "crm"}


class _Page(HTMLParser):
    """Counts rows and notes whatever a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.loads: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rows += tag == "tr"
        far = [(name, value) for name, value in attrs if not (name == "href" and (value or "").startswith("#"))]
        self.loads += [f"{tag} {name}={value}" for name, value in far if name in ("src", "href", "onload", "onerror")]
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_escapes_everything() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=y>\"'&"
    views = DefinitionSet.of(
        [profile(description=evil, owner=evil, tags={evil: evil}, schema=(Field(name="a", dtype=Float64, unit=evil),))]
    )
    html = Catalogue.of(views).to_html(evil)
    page = _Page()
    page.feed(html)
    assert page.open == []
    assert page.loads == []
    assert "<script>alert" not in html
    assert "<img" not in html
    assert html.count("<script>") == 1
    assert page.rows == len(Catalogue.of(views).entries) + 1
    assert "http://" not in html
    assert "https://" not in html


def test_every_link_of_the_page_leads_to_a_row() -> None:
    """Features of a view, its entity and its source, each once under an id of its own."""
    page = _Page()
    page.feed(Catalogue.of(ALL, USES, visible=EVERYTHING).to_html())
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert {"#feature/profile:age", "#entity/user", "#source/sales"} <= set(page.links)


def test_sources_say_where_they_are() -> None:
    views = [
        sales(name="a", source=KafkaSource(name="k", topic="t")),
        sales(name="b", source=PushSource(name="p", batch_source=sales().source)),  # type: ignore[arg-type]
    ]
    found = {e.name: (e.dtype, e.source) for e in Catalogue.of(DefinitionSet.of(views)).entries if e.kind == "source"}
    assert found == {
        "k": ("KafkaSource", "topic t"),
        "p": ("PushSource", "sales"),
        "sales": ("FileSource", "data/sales.parquet"),
    }
