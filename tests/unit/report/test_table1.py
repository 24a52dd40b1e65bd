"""Table 1: labels with known counts, and classes that a scene does not annotate."""

import pytest
from support.errors import refused
from support.project import ROOT

from softsed.core.tsv import read_table
from softsed.report.table1 import main

RESOURCES = ROOT / "workflow" / "resources"


@pytest.fixture
def street(tmp_path):
    (tmp_path / "rec.tsv").write_text(
        "recording\tscene\tduration_s\nr0\tresidential_area\t90\nc0\tcity_center\t66\nc1\tcity_center\t60\n"
    )
    (tmp_path / "hard.tsv").write_text(
        "recording\tonset\toffset\tlabel\nc0\t0\t3\tcar\nc0\t2\t9\tcar\nc0\t1\t2\tfootsteps\n"
        "c1\t0\t3\tcar\nr0\t5\t6\tcar\nr0\t1\t2\tbirds_singing\n"
    )
    return tmp_path


def table1(folder):
    inputs = ["--hard", str(folder / "hard.tsv"), "--recordings", str(folder / "rec.tsv")]
    inputs += ["--scenes", str(RESOURCES / "scenes.tsv"), "--classes", str(RESOURCES / "classes.tsv")]
    main([*inputs, "--tsv", str(folder / "table1.tsv")])
    return {row["scene"]: row for row in read_table(folder / "table1.tsv", ("scene",))}


def test_counts_of_instances_files_and_minutes(street):
    rows = table1(street)
    assert list(rows) == ["city_center", "residential_area", "Total"]  # scenes without recordings are left out
    assert [rows[scene]["car"] for scene in rows] == ["3", "1", "4"]
    assert [rows[scene]["birds_singing"] for scene in rows] == ["-", "1", "1"]
    assert [rows[scene]["large_vehicle"] for scene in rows] == ["0", "-", "0"]
    assert [rows[scene]["cash register beeping"] for scene in rows] == ["-", "-", "-"]
    assert [rows[scene]["files"] for scene in rows] == ["2", "1", "3"]
    assert [rows[scene]["minutes"] for scene in rows] == ["2.10", "1.50", "3.60"]  # 126, 90, 216 s


def test_counts_without_any_event(street):
    (street / "hard.tsv").write_text("recording\tonset\toffset\tlabel\nr0\t\t\t\nc0\t\t\t\nc1\t\t\t\n")
    assert [row["car"] for row in table1(street).values()] == ["0", "0", "0"]


def test_event_of_class_not_annotated_in_scene(street):
    with (street / "hard.tsv").open("a") as file:
        file.write("c1\t0\t3\tmetro leaving\n")
    with refused(key="--hard", problem=["c1", "metro leaving"]) as caught:
        table1(street)
    assert "city_center" in caught.value.expected


def test_unknown_scene(street):
    (street / "rec.tsv").write_text("recording\tscene\tduration_s\nc0\tmoon\t60\n")
    with refused(golden=False) as caught:  # the message is that of core.metadata
        table1(street)
    assert "'moon'" in str(caught.value)
