"""Documents: Table 1, labels and convergence, rounded from tables with known values."""

import pytest
from support.project import ROOT
from support.tsv import write_rows

RESOURCES = ROOT / "workflow" / "resources"


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_table1_shows_published_table_with_totals(document, tmp_path):
    header = (RESOURCES / "classes.tsv").read_text().splitlines()[1:]
    row = "\t".join(["city_center", *["1"] * len(header), "2", "2.10"])
    (tmp_path / "table1.tsv").write_text("\t".join(["scene", *header, "files", "minutes"]) + f"\n{row}\n")
    page = document("table1", experiment="maestro_real", source="demo")
    assert "(maestro_real): 2 recordings" in page
    assert "not comparable" in page
    total = page.split("## Published: 75 recordings")[1].strip().splitlines()[-1]
    # The last row of Table 1, in which "-" stands for the classes without any instance.
    expected = "Total 0 60 37 168 0 56 8 71 4 237 3 117 92 99 307 5 38 75 286.94"
    assert total == f"| {expected.replace(' ', ' | ')} |"
    assert "not comparable" not in document("table1")


def test_table1_of_many_classes_has_rows(document, tmp_path):
    """The table of the paper keeps its own 17 classes."""
    names = [f"sound {i}" for i in range(360)]
    rows = ["\t".join([scene, *map(str, range(360)), "2", "2.10"]) for scene in ("street", "Total")]
    (tmp_path / "table1.tsv").write_text("\n".join(["\t".join(["scene", *names, "files", "minutes"]), *rows]) + "\n")
    own, paper = document("table1", experiment="mine", source="own").split("## Published")
    table = [cells(line) for line in own.splitlines() if line.startswith("|")]
    assert table[0] == ["class", "street", "Total"]
    assert table[2] == ["sound 359", "359", "359"]
    assert table[-2] == ["files", "2", "2"]
    assert len(table) == 2 + 360 + 2
    assert len(cells(next(line for line in paper.splitlines() if line.startswith("|")))) == 1 + 17 + 2


def test_label_statistics_with_counts(document, tmp_path):
    rows = "nonzero\trecordings\t1\t0.75\t0.25\nquantile_0.5\trecordings\t\t0.5\t\n"
    (tmp_path / "label_statistics.tsv").write_text("statistic\ton\tvalue\tpublished\tdifference\n" + rows)
    (tmp_path / "counts.json").write_text('{"recordings": 2, "series": 4}')
    page = document("label_statistics", facts="counts.json", experiment="mine")
    assert "| nonzero | recordings | 1.000 | 0.750 | +0.250 |" in page
    assert "| quantile_0.5 | recordings |  | 0.500 |  |" in page
    assert "(mine, eq1)" in page
    assert "2 recordings, 4 series" in page


def test_label_quality_has_methods_side_by_side(document, tmp_path):
    columns = "event_length_s detection opinions_per_window spammers method trials active_share f1 f1_at_half f1_best "
    columns += "best_threshold brier calibration_error f1_std brier_std gain gain_std gain_least"
    setting, half = ["low", "5", "0.15"], "0.5"
    eq1 = ["eq1", "2", "0.1", "0.45", half, "0.55", half, "0.15", half, "", "", "-0.1", "", "-0.2"]
    joint = ["joint", "2", "0.1", "0.65", half, half, half, "0.06", half, "", "", "0.1", "", "0.1"]
    no_gain = ["joint", "2", "0.1", half, half, half, half, half, half, "", "", "", "", ""]
    rows = [["10", *setting, *eq1], ["10", *setting, *joint], ["2", *setting, *no_gain]]
    write_rows(tmp_path / "label_quality.tsv", rows, columns.split())
    page = document("label_quality")
    table = [cells(line) for line in page.splitlines() if line.startswith("|")]
    assert table[0][4:10] == ["eq1", "eq1 best", "joint", "joint best", "gain eq1", "gain joint"]
    assert table[2][:12] == [
        *("10", "low", "5", "0.15", "0.450", "0.550", "0.650", "0.500", "-0.100 (-0.200)", "+0.100 (+0.100)"),
        *("0.150", "0.060"),
    ]
    assert table[3][:10] == ["2", "low", "5", "0.15", "", "", "0.500", "0.500", "", ""]  # in the order of the table
    assert "means over\n2 trials." in page


CONVERGENCE = "system\ttrainings\tabove_constant\tlate\tbest_epoch\tepochs\tvalidation_loss\tconstant_loss\n"


@pytest.mark.parametrize(
    ("above", "late", "sentences"),
    [
        (0, 0, ["constant per scene: none. - Best epoch among the last tenth of the epochs: none. - Constant"]),
        (
            2,
            1,
            ["constant per scene: 2. The scores", "of the epochs: 1. With `train.schedule: plateau`, longer training"],
        ),
    ],
)
def test_convergence_counts_trainings(document, tmp_path, above, late, sentences):
    rows = f"S_MSE_lin\t5\t0\t0\t42.5\t72\t0.0123456\t0.02\nS_BCE_sig\t5\t{above}\t{late}\t60\t80\t0.19\t0.2\n"
    (tmp_path / "convergence.tsv").write_text(CONVERGENCE + rows)
    page = document("convergence", experiment="demo")
    text = " ".join(page.split())
    assert "10 trainings" in text
    assert all(sentence in text for sentence in sentences)
    assert cells(page.strip().splitlines()[-2]) == ["`S_MSE_lin`", "5", "0", "0", "42", "0.01235", "0.02000"]
