"""What explains a run is stored by each engine, once, and drawn."""

import pytest

from search.protocol.registering import Design
from search.protocol.running import run_study
from search.protocol.searching import Options
from search.reports import priority_report, render, search_report
from search.storage.database import Database
from search.storage.reader import read_diagnostics
from search.storage.tables import DIAGNOSTICS
from tests.contracts.conftest import Place


def drawn(page):
    """Return whether a page has both figures, and no foreign markup."""
    assert "<line>" not in page
    assert "<threshold>" not in page
    return 'id="plot-diagnostic-0"' in page and 'id="plot-diagnostic-1"' in page


def test_every_complete_trial_of_a_search_is_explained(new_place):
    place = new_place()
    place.search(place.load("explained"), trials=3, workers=1, data=False)
    database = Database(place.url)
    for number in range(3):
        found = read_diagnostics(database, "explained/search", number)
        assert found["weights"]["values"] == [4.0]
    report = search_report(database, "explained")
    assert set(report.diagnostics) == {"baseline", f"trial {report.best.number} (best)"}
    page = render(report, "html")
    assert drawn(page)
    assert "Learned &lt;line&gt;" in page
    database.close()


@pytest.fixture
def measured(tmp_path):
    place = Place(tmp_path / "place", "local")
    design = Design.of("quick", looks=(3, 4), stack=False)
    run_study(place.load("explained"), Options(place.url, engine="local"), design)
    database = Database(place.url)
    yield database
    database.close()


def test_the_first_run_of_each_arm_is_explained(measured):
    report = priority_report(measured, "explained")
    assert list(report.diagnostics) == ["baseline", "Trick & co"]
    assert report.diagnostics["baseline"]["weights"]["values"] == [4.0]
    with measured.engine.connect() as connection:
        kept = connection.execute(DIAGNOSTICS.select()).mappings().all()
    assert len(kept) == 2  # a picture of every replicate would cost more than it shows
    page = render(report, "html")
    assert drawn(page)
    assert "Diagnostics" in page


def test_a_database_without_diagnostics_is_read(measured):
    DIAGNOSTICS.drop(measured.engine)
    report = priority_report(measured, "explained")
    assert report.diagnostics == {}
    assert not drawn(render(report, "html"))
