"""Documents about metrics: numbers rounded from tables with known values, and sentences that depend on the data."""

import json

import pytest
from support.project import ROOT
from support.tsv import write_rows

RESOURCES = ROOT / "workflow" / "resources"


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def section(page, heading):
    """Return the cells of the tables in a section of a document."""
    (part,) = (part for part in page.split("\n## ") if part.startswith(heading))
    return [cells(line) for line in part.splitlines() if line.startswith("|") and not line.startswith("| :--")]


def test_table2_beside_published_systems(document, files, table2):
    """For any name of the experiment, and without differences from a system of the same name."""
    table2(*files)
    page = document("table2", facts="h1.json", experiment="dcase2023")
    rows = section(page, "Beside published systems")
    metrics = ["ER (ER_m)", "Micro F1 (F1_m) %", "Macro F1 (F1_M) %", "Best macro F1 (F1_MO) %"]
    assert rows[0] == ["System", "Recordings", *metrics, "Source"]
    assert rows[3] == ["`S_MSE_lin`", "49", "0.400", "70.00", "20.00", "45.00", "this experiment"]
    assert [row[0] for row in rows[5:11]] == [
        *("H_BCE_sig", "S_BCE_sig", "S_MSE_lin", "DCASE 2023 Task 4B baseline", "PANNs and multi-task CRNN", "System")
    ]
    assert rows[7][1:6] == ["75", "0.44", "70.82", "", ""]
    assert rows[8][1:6] == ["49", "0.487", "70.34", "35.83", "42.87"]
    assert rows[10] == ["System", "Recordings", *metrics[:3], "Source"]  # class-dependent
    assert rows[15][:4] == ["S_MSE_lin", "75", "0.47", "67.30"]
    text = " ".join(page.split())
    assert "75 recordings are those of the paper, which has other folds." in text
    assert "official folds" in text


def test_table2_kld_beside_the_paper(document, files, table2):
    table2(*files)
    page = document("table2", facts="h1.json")
    rows = section(page, "Beside published systems")
    assert rows[-1] == ["`S_MSE_lin`", "soft", "1.000", "2.000", "1.383"]
    assert "epsilon = 1e-07" in page


def test_table2_names_metrics_as_dcase_does(document, files, table2):
    table2(*files)
    header, *rows = section(document("table2", facts="h1.json"), "Metrics at a threshold")
    assert header[2:] == ["ER (ER_m)", "Micro F1 (F1_m) %", "Macro F1 (F1_M) %", "Classes detected"]
    assert rows[-2] == ["`S_MSE_lin`", "0.5", "0.40 ± 0.14", "70.0 ± 14.1", "20.0 ± 0.0", "1 of 2"]
    assert {row[1] for row in rows} == {"0.5", "class-dependent"}


def test_table2_separates_baselines(document, files, table2):
    table2(*files)
    before, after = document("table2", facts="h1.json").split("## Results without audio")
    assert "`scene_prior` |" not in before
    assert "`scene_prior` | 0.5" in after
    assert "oracle" in after


def test_table2_without_baselines_or_detectors(document, files, table2):
    table2(*files)
    assert "Results without audio" not in document("table2", facts="h1.json", priors=())
    everything = ("H_BCE_sig", "my_system", "S_MSE_lin", "scene_prior")
    assert "Metrics at a threshold" not in document("table2", facts="h1.json", priors=everything)


def test_table2_metrics_without_a_threshold(document, files, table2):
    table2(*files)
    header, *rows = section(document("table2", facts="h1.json"), "Metrics without a threshold")
    assert header[1:4] == ["Best macro F1 (F1_MO) %", "mpAUC %", "AUROC within recordings %"]
    assert [row[0] for row in rows] == ["`H_BCE_sig`", "`my_system`", "`S_MSE_lin`", "`scene_prior`"]
    assert rows[2][1:] == ["45.0 ± 14.1", "30.0 ± 0.0", "65.0 ± 14.1", "1.000", "2.000"]
    assert [row[4] for row in rows] == ["1.010", "1.000", "1.000", "1.050"]


def test_table2_all_classes(document, files, table2):
    table2(*files)
    page = document("table2", facts="h1.json")
    header, *rows = section(page, "All 5 classes at class-dependent thresholds")
    assert header[4:] == ["Classes detected", "Beyond the evaluated classes", "Without hard labels"]
    assert rows[0][4:] == ["3 of 4", "1 of 2", "0.5 of 1"]
    assert rows[2] == ["`S_MSE_lin`", *("0.60 ± 0.14", "50.0 ± 14.1", "25.0 ± 0.0"), "3 of 4", "1 of 2", "1 of 1"]
    assert "covers all 5\nclasses. The other tables cover the 3 evaluated classes." in page
    assert "in the test recordings: `announcement`" in page


@pytest.mark.parametrize("silent", [["car"], []])
def test_table2_does_not_repeat_all_classes(document, undefined, table2, silent):
    """If all classes are evaluated, the section has only the classes without hard labels, or is left out."""
    path = undefined[0] / "undefined.json"
    found = json.loads(path.read_text())
    for part in (found["pooled"], *found["folds"].values()):
        del part["operating_points"]["class-dependent, all classes"]
        part["without_hard_labels"] = {"classes": silent, "classes_detected": silent}
    path.write_text(json.dumps(found))
    table2(*undefined)
    page = document("table2", facts=path.name)
    if silent:
        assert section(page, "Classes without hard labels") == [
            ["System", "Without hard labels"],
            ["`my_system`", "1 of 1"],
        ]
    else:
        assert "hard labels at class-dependent thresholds" not in page


def test_table2_names_classes_without_threshold(document, files, table2):
    table2(*files)
    assert "no class-dependent threshold" not in document("table2", facts="h1.json")
    found = json.loads((files[0] / "h1.json").read_text())
    found["thresholds"]["class-dependent, all classes"] = {
        "fold1": {"car": 0.5},
        "fold2": {"car": None, "footsteps": None},
    }
    (files[0] / "h1.json").write_text(json.dumps(found))
    assert "(fold2: `car`, `footsteps`)" in document("table2", facts="h1.json")


def test_table2_of_other_data(document, files, table2):
    """The numbers of the paper are shown without differences, for any name of the experiment."""
    table2(*files)
    page = document("table2", facts="h1.json", experiment="maestro_real", source="demo")
    header, *rows = section(page, "Beside the paper")
    assert header[2:] == ["ER (ER_m)", "paper (MAESTRO Real)", "Micro F1 (F1_m) %", "paper (MAESTRO Real)"]
    assert rows[1] == ["`S_MSE_lin`", "0.5", "0.40", "0.44", "70.00", "70.82"]
    assert {row[0] for row in rows} == {"`H_BCE_sig`", "`S_MSE_lin`", "System"}  # systems of the paper only
    assert "not comparable" in page


@pytest.mark.parametrize("source", ["demo", "maestro_real"])
def test_table2_rows_have_the_cells_of_their_header(document, files, table2, source):
    table2(*files)
    lines = [line for line in document("table2", facts="h1.json", source=source).splitlines() if line.startswith("|")]
    for block in "\n".join(lines).split("| System")[1:]:
        assert len({line.count("|") for line in ("| System" + block).strip().splitlines()}) == 1


def test_table2_undefined_values_are_empty(document, undefined, table2):
    table2(*undefined)
    page = document("table2", facts="undefined.json")
    assert "None" not in page
    assert "nan" not in page


SCORES = "system\tthreshold\treference\tmetric\tvalue\tlow\thigh\trun_std\truns\trecordings\n"
DIFFERENCES = "system\tagainst\tthreshold\treference\tmetric\tdifference\tlow\thigh\truns\n"
POINTS = ["0.5", "0.5, scene known", "class-dependent", "class-dependent, scene known"]
METRICS = [
    *(
        (p, "hard" if p.startswith("0.5") else "soft", m)
        for p in POINTS
        for m in ("error_rate", "f1_micro", "f1_macro")
    ),
    *(("any", "hard", m) for m in ("f1_best_macro", "mpauc", "auroc_within", "brier")),
    *(("any", "soft", m) for m in ("auroc_within", "mse")),
]
TRUTH = [("any", "truth", m) for m in ("f1_best_macro", "mpauc", "auroc_within", "brier")]


@pytest.fixture
def intervals(tmp_path):
    """Return a function that writes tables of intervals: a prior listed first, and two detectors."""

    def write(low="1", high="3", runs="2", *, truth=False):
        metrics = ["\t".join(key) for key in METRICS + TRUTH * truth]
        rows = [f"{s}\t{m}\t2\t1\t3\t0.5\t{runs}\t8\n" for s in ("prior", "b", "a") for m in metrics]
        (tmp_path / "intervals.tsv").write_text(SCORES + "".join(rows))
        pairs = (("b", "prior"), ("a", "prior"), ("a", "b"))
        rows = [f"{s}\t{o}\t{m}\t2\t{low}\t{high}\t{runs}\n" for s, o in pairs for m in metrics]
        (tmp_path / "differences.tsv").write_text(DIFFERENCES + "".join(rows))

    return write


def test_scores_tables_and_order(document, intervals):
    intervals()
    page = document("intervals", priors=["prior"])
    parts = page.split("\n## ")
    assert [part.splitlines()[0] for part in parts[1:]] == [
        *(
            "Metrics",
            "Metrics restricted to the classes annotated in the scene",
            "Differences from `prior`",
            "Systems against each other",
        )
    ]
    tables = [[cells(line) for line in part.splitlines() if line.startswith("|")] for part in parts]
    assert tables[1][0] == ["System", "Threshold", "ER (ER_m)", "Micro F1 (F1_m) %", "Macro F1 (F1_M) %"]
    assert [row[:2] for row in tables[1][2:8]] == [
        [f"`{system}`", point] for system in ("b", "a", "prior") for point in ("0.5", "class-dependent")
    ]
    assert tables[1][2][2] == "2.00 ± 0.50 [1.00, 3.00]"
    ranking = ["Best macro F1 (F1_MO) %", "mpAUC %", "AUROC within recordings %"]
    assert tables[1][8] == ["System", *ranking, "Brier", "MSE"]
    order = ["0.5", "class-dependent", "0.5, scene known", "class-dependent, scene known"]
    assert [row[:3] for row in tables[4][2:6]] == [["`a`", "`b`", point] for point in order]
    assert "Threshold 0.5" in page
    assert "8 recordings" in page
    assert "true events" not in page.split("## Metrics")[1]


def test_scores_against_truth_have_a_section(document, intervals):
    intervals(truth=True)
    rows = section(document("intervals", priors=["prior"]), "Against the true events")
    assert rows[0] == ["System", "Best macro F1 (F1_MO) %", "mpAUC %", "AUROC within recordings %", "Brier"]
    assert [row[0] for row in rows[1:4]] == ["`prior`", "`b`", "`a`"]
    assert rows[4][:2] == ["System", "Against"]
    assert [row[:3] for row in rows[5:]] == [
        [f"`{system}`", f"`{against}`", "**+2.0 [1.0, 3.0]**"]
        for system, against in (("b", "prior"), ("a", "prior"), ("a", "b"))
    ]


@pytest.mark.parametrize(("runs", "legend"), [("2", "Bold: better"), ("1", "`runs:` in the config")])
def test_scores_legend_of_true_differences(document, intervals, runs, legend):
    intervals(runs=runs, truth=True)
    (part,) = document("intervals", priors=["prior"]).split("### Differences against the true events")[1:]
    assert legend in part


def test_scores_differences_from_oracle(document, intervals, tmp_path):
    """The legend warns about their coverage, and mpAUC is not marked."""
    intervals()
    assert "contain the true value less often" not in document("intervals", priors=["prior"])
    for name in ("intervals", "differences"):
        path = tmp_path / f"{name}.tsv"
        path.write_text(path.read_text().replace("prior", "recording_prior"))
    parts = document("intervals", priors=["recording_prior"]).split("\n## ")
    assert ["contain the true value less often" in part for part in parts[-2:]] == [True, False]
    rows = [cells(line) for line in parts[-2].splitlines() if line.startswith("| `a` |")]
    assert [cell.startswith("**") for cell in rows[-1][2:5]] == [True, False, True]  # F1_MO, mpAUC, AUROC
    rows = [cells(line) for line in parts[-1].splitlines() if line.startswith("| `a` |")]
    assert rows[-1][3].startswith("**")


@pytest.mark.parametrize(
    ("difference", "bold"),
    [(("1", "3", "2"), {3, 4}), (("-3", "-1", "2"), {2}), (("-1", "3", "2"), set()), (("1", "3", "1"), set())],
)
def test_scores_bold_differences(document, intervals, difference, bold):
    """Error rate is better if lower, F1 if higher; a single run and an interval with 0 are not marked."""
    intervals(*difference)
    page = document("intervals", priors=["prior"])
    row = cells(next(line for line in page.splitlines() if line.startswith("| `a` | `b` | 0.5 |")))
    assert {place - 1 for place, cell in enumerate(row) if cell.startswith("**")} == bold
    assert ("`runs:` in the config" in page) == (difference[2] == "1")


def test_truth_rounds_and_describes_gains(document, tmp_path):
    columns = "system method threshold error_rate f1_micro f1_macro f1_best_macro mpauc auroc_within mse "
    columns += "error_rate_std f1_micro_std f1_macro_std f1_best_macro_std mpauc_std auroc_within_std mse_std "
    columns += "classes_detected classes_in_reference against against_threshold f1_micro_gain f1_micro_gain_std "
    columns += "f1_macro_gain f1_macro_gain_std runs"
    first = [*["0.5", "25", "50", "60", "40", "90", "0.25"], *["0.1"] * 7, "3", "4", *[""] * 6, "1"]
    second = [*["0.2", "40", "80", "81", "41", "95", "0.25", "0.1414", "7.07", "14.14", "1", "1", "2", "0"]]
    second += ["3", "4", "labels, eq1", "0.5", "15", "0", "30", "0", "1"]
    rows = [["labels", "eq1", "0.5", *first], ["labels", "joint", "expected_f1", *second]]
    write_rows(tmp_path / "truth.tsv", rows, columns.split())
    facts = {"classes": list("abcd"), "folds": {"f1": 0, "f2": 0}, "recordings": 2, "seconds": 120, "left_out": 3}
    (tmp_path / "truth.json").write_text(json.dumps(facts | {"config": {"threshold": 0.5}}))
    page = document("truth", facts="truth.json", experiment="demo")
    assert "4 classes, 2 recordings, 120 s" in page
    assert "\n\nThe metrics leave out 3 true events of classes" in page
    assert "labels by `eq1`" in page
    joint = ["`labels`", "joint", "expected_f1"]
    assert section(page, "Metrics at a threshold")[2] == [
        *joint,
        *["0.20 ± 0.14", "40.0 ± 7.1", "80.0 ± 14.1", "3 of 4"],
    ]
    assert section(page, "Metrics without a threshold")[1:] == [
        ["`labels`", "eq1", "60.0 ± 0.1", "40.0 ± 0.1", "90.0 ± 0.1", "0.250 ± 0.100"],
        ["`labels`", "joint", "81.0 ± 1.0", "41.0 ± 1.0", "95.0 ± 2.0", "0.250 ± 0.000"],
    ]
    assert section(page, "Gain over labels by `eq1`")[1:] == [
        [*joint, "`labels, eq1`", "0.5", "+15.0 ± 0.0", "+30.0 ± 0.0"]
    ]


def test_names_with_bars_stay_one_cell(document, files, table2):
    table2(*files)
    table = files[0] / "table2.tsv"
    table.write_text(table.read_text().replace("my_system", "my|system"))
    assert "| `my\\|system` | 0.5 |" in document("table2", facts="h1.json")
