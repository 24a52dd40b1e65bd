"""Published systems: only beside MAESTRO Real, and with the digits they were published with."""

import pandas as pd
import pytest
from support.project import ROOT

from softsed.report.documents.published import METRICS, OFFICIAL, official_table, read_published

PUBLISHED = ROOT / "workflow/resources/published_systems.tsv"


@pytest.mark.parametrize(("source", "rows"), [("maestro_real", 6), ("demo", 0), ("own", 0)])
def test_published_systems_of_maestro_real(source, rows):
    assert len(read_published(PUBLISHED, source)) == rows


def test_official_names_stand_in_the_headings():
    assert all(f"({name})" in metric.heading for name, metric in OFFICIAL.items())


def test_columns_without_any_value_are_left_out():
    systems = pd.DataFrame([["net", 2, 0.5, 61.234, None, None]], columns=["system", "recordings", *METRICS])
    published = read_published(PUBLISHED, "maestro_real").iloc[:1]
    table = official_table(systems, published)
    assert table.columns.tolist() == ["System", "Recordings", "ER (ER_m)", "Micro F1 (F1_m) %", "Source"]
    assert table.iloc[0].tolist() == ["`net`", "2", "0.500", "61.23", "this experiment"]
    assert table.iloc[1, :4].tolist() == ["H_BCE_sig", "75", "0.44", "70.60"]
    assert "Source" not in official_table(systems, published[:0])
