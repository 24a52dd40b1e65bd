"""Tables: hand-made metrics and labels with known answers."""

import copy
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from softsed.core.errors import InputError
from softsed.core.tsv import read_table
from softsed.report.markdown import grid
from softsed.report.tables import TABLE2, main

RESOURCES = Path(__file__).parents[3] / "workflow" / "resources"
POINTS = ("0.5", "class-dependent")
THRESHOLDS = {fold: {"car": 0.5, "footsteps": 0.3, "people talking": 0.4} for fold in ("fold1", "fold2")}


def point(error_rate, f1, macro, detected, class_wise):
    return {
        "error_rate": error_rate,
        "f1_micro": f1,
        "f1_macro": macro,
        "classes_detected": detected,
        "class_wise": {name: {"f1": value} for name, value in class_wise.items()},
    }


def metrics(system, run, loss, shift=0.0):
    def result(offset):
        first = point(
            0.4 + offset, 0.7 - offset, 0.2, 1, {"car": 0.8 - offset, "people talking": 0.0, "footsteps": None}
        )
        second = point(0.5 + offset, 0.6 - offset, 0.4, 2, {"car": 0.5, "people talking": 0.3, "footsteps": None})
        kld = {
            "hard": {"kld_time": 3 + offset, "kld_bernoulli": 4},
            "soft": {"kld_time": 1 + offset, "kld_bernoulli": 2},
        }
        return {"operating_points": dict(zip(POINTS, (first, second), strict=True)), "kld": kld}

    return {
        **{"system": system, "run": run, "loss": loss, "kld_reference": "hard" if loss == "bce" else "soft"},
        **{"classes": ["car", "footsteps", "people talking"], "recordings": 49, "seconds": 11000},
        **{"config": {"epsilon": 1e-7}, "thresholds": {"0.5": 0.5, "class-dependent": THRESHOLDS}},
        **{"pooled": result(shift), "folds": {"fold1": result(shift - 0.1), "fold2": result(shift + 0.1)}},
    }


@pytest.fixture
def files(tmp_path):
    made = {
        "h1": metrics("H_BCE_sig", 1, "bce"),
        "h2": metrics("H_BCE_sig", 2, "bce", 0.02),
        "own": metrics("my_system", 1, "mse"),
        "s1": metrics("S_MSE_lin", 1, "mse"),
        "prior": metrics("scene_prior", 1, "none", 0.05),
    }
    for name, content in made.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path, [str(tmp_path / f"{name}.json") for name in made]


def table2(files, experiment="maestro_real"):
    folder, paths = files
    paper = str(RESOURCES / "paper_table2.tsv")
    outputs = ("--tsv", str(folder / "table2.tsv"), "--markdown", str(folder / "table2.md"))
    outputs += ("--json", str(folder / "metrics.json"))
    main(["table2", "--metrics", *paths, "--paper", paper, "--experiment", experiment, *outputs])
    return read_table(folder / "table2.tsv", tuple(TABLE2)), (folder / "table2.md").read_text()


def test_table2_columns_and_rows_in_order(files):
    rows, _ = table2(files)
    assert list(rows[0])[:10] == [
        *("system", "threshold", "error_rate", "f1_micro", "f1_macro", "kld_time", "kld_bernoulli"),
        *("paper_error_rate", "paper_f1", "paper_kld"),
    ]
    systems = ("H_BCE_sig", "my_system", "S_MSE_lin", "scene_prior")
    assert [(row["system"], row["threshold"]) for row in rows] == [(s, p) for s in systems for p in POINTS]


def test_table2_means_over_runs_and_deviations_over_folds_and_runs(files):
    row = table2(files)[0][0]
    assert float(row["error_rate"]) == pytest.approx(0.41)
    assert float(row["f1_micro"]) == pytest.approx(69)
    assert float(row["error_rate_std"]) == pytest.approx(statistics.stdev([0.3, 0.5, 0.32, 0.52]), rel=1e-5)
    assert float(row["f1_micro_std"]) == pytest.approx(statistics.stdev([80, 60, 78, 58]), rel=1e-5)
    assert (row["runs"], row["classes_detected"], row["classes_evaluated"]) == ("2", "1", "3")


def test_table2_divergence_on_the_first_row_only_and_against_the_reference_of_the_caption(files):
    rows, _ = table2(files)
    assert [row["kld_reference"] for row in rows[::2]] == ["hard", "soft", "soft", "soft"]
    assert [float(row["kld_time"]) for row in rows[::2]] == pytest.approx([3.01, 1, 1, 1.05])
    assert [float(row["kld_bernoulli"]) for row in rows[::2]] == pytest.approx([4, 2, 2, 2])
    assert {row["kld_time"] + row["kld_bernoulli"] + row["paper_kld"] for row in rows[1::2]} == {""}


def test_table2_has_the_divergence_of_every_system_against_both_references(files):
    rows, page = table2(files)
    expected = {
        "kld_time_soft": [1.01, 1, 1, 1.05],
        "kld_bernoulli_soft": [2] * 4,
        "kld_time_hard": [3.01, 3, 3, 3.05],
        "kld_bernoulli_hard": [4] * 4,
    }
    for name, values in expected.items():
        assert [float(row[name]) for row in rows[::2]] == pytest.approx(values)
        assert {row[name] for row in rows[1::2]} == {""}
    table = page.split("## KLD of all systems against the soft labels\n\n")[1]
    assert [line.strip("| ").split(" | ") for line in table.splitlines()[2:]] == [
        *(["`H_BCE_sig`", "1.010", "2.000"], ["`my_system`", "1.000", "2.000"]),
        *(["`S_MSE_lin`", "1.000", "2.000"], ["`scene_prior`", "1.050", "2.000"]),
    ]
    assert "Compare KLD only within one reference" in page
    assert "epsilon = 1e-07" in page


def test_table2_page_names_classes_without_threshold_only_if_there_are(files):
    assert "no class-dependent threshold" not in table2(files)[1]
    folder, paths = files
    found = metrics("H_BCE_sig", 1, "bce")
    found["thresholds"] = {"class-dependent": {"fold1": {"car": 0.5}, "fold2": {"car": None, "footsteps": None}}}
    (folder / "h1.json").write_text(json.dumps(found))
    assert "counts at it in these folds (fold2: `car`, `footsteps`)." in table2((folder, paths))[1]


def test_table2_joins_the_paper_by_system_and_threshold(files):
    rows = {(row["system"], row["threshold"]): row for row in table2(files)[0]}
    published = [rows["H_BCE_sig", "0.5"][name] for name in ("paper_error_rate", "paper_f1", "paper_kld")]
    assert [float(text) for text in published] == [0.44, 70.60, 3.710]
    assert float(rows["S_MSE_lin", "class-dependent"]["paper_f1"]) == 67.30
    for key in (("H_BCE_sig", "class-dependent"), ("my_system", "0.5"), ("scene_prior", "0.5")):
        assert rows[key]["paper_error_rate"] == ""


def test_scores_by_system_and_threshold_are_those_of_table2_without_what_is_not_defined(files):
    rows, _ = table2(files)
    found = json.loads((files[0] / "metrics.json").read_text())
    assert [(system, threshold) for system in found for threshold in found[system]] == [
        (row["system"], row["threshold"]) for row in rows
    ]
    names = ("error_rate", "f1_micro", "f1_macro", "kld_time", "kld_bernoulli", "classes_detected")
    for row in rows:
        expected = {name: float(row[name]) for name in names if row[name]}
        assert found[row["system"]][row["threshold"]] == expected
        assert {"error_rate", "f1_micro", "f1_macro"} <= set(expected)


def test_table2_page_rounds_as_the_paper_and_sets_priors_apart(files):
    _, page = table2(files)
    line = next(text for text in page.splitlines() if text.startswith("| `S_MSE_lin` | 0.5"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:8] == ["0.40 ± 0.14", "0.44", "-0.04", "70.00 ± 14.14", "70.82", "-0.82"]
    assert cells[-5:] == ["1.000", "1.383", "-0.383", "2.000", "soft"]
    before, after = page.split("## What scores without hearing the audio")
    assert "`scene_prior` |" not in before
    assert "`scene_prior` | 0.5" in after
    assert "oracle" in after


def test_table2_page_of_other_data_gives_no_differences(files):
    rows, page = table2(files, "demo")
    assert "not comparable" in page
    assert "difference |" not in page
    assert rows == table2(files)[0]


def test_every_row_of_a_page_has_as_many_cells_as_its_header(files):
    for experiment in ("demo", "maestro_real"):
        lines = [line for line in table2(files, experiment)[1].splitlines() if line.startswith("|")]
        for block in "\n".join(lines).split("| System")[1:]:
            assert len({line.count("|") for line in ("| System" + block).strip().splitlines()}) == 1


def test_undefined_values_are_empty_cells(tmp_path):
    broken = metrics("my_system", 1, "mse")
    for part in (broken["pooled"], *broken["folds"].values()):
        part["operating_points"]["0.5"] |= {"error_rate": None, "f1_micro": None, "f1_macro": None}
        part["kld"]["soft"] = {"kld_time": None, "kld_bernoulli": None}
    (tmp_path / "a.json").write_text(json.dumps(broken))
    rows, page = table2((tmp_path, [str(tmp_path / "a.json")]))
    assert {rows[0][name] for name in ("error_rate", "f1_micro_std", "f1_macro", "kld_time")} == {""}
    assert "None" not in page
    assert "nan" not in page


def test_metrics_that_are_none_are_named(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(InputError, match=r"a\.json: not metrics written by"):
        table2((tmp_path, [str(tmp_path / "a.json")]))


def table1(folder, experiment="demo"):
    main(
        [
            *(
                "table1",
                "--experiment",
                experiment,
                "--hard",
                str(folder / "hard.tsv"),
                "--recordings",
                str(folder / "rec.tsv"),
            ),
            *("--scenes", str(RESOURCES / "scenes.tsv"), "--classes", str(RESOURCES / "classes.tsv")),
            *("--paper-events", str(RESOURCES / "paper_table1.tsv")),
            *("--paper-recordings", str(RESOURCES / "paper_recordings.tsv")),
            *("--tsv", str(folder / "table1.tsv"), "--markdown", str(folder / "table1.md")),
        ]
    )
    return {row["scene"]: row for row in read_table(folder / "table1.tsv", ("scene",))}, (
        folder / "table1.md"
    ).read_text()


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


def test_table1_counts_instances_files_and_minutes(street):
    rows, _ = table1(street)
    assert list(rows) == ["city_center", "residential_area", "Total"]  # scenes without recordings are left out
    assert [rows[scene]["car"] for scene in rows] == ["3", "1", "4"]
    assert [rows[scene]["birds_singing"] for scene in rows] == ["-", "1", "1"]
    assert [rows[scene]["large_vehicle"] for scene in rows] == ["0", "-", "0"]
    assert [rows[scene]["cash register beeping"] for scene in rows] == ["-", "-", "-"]
    assert [rows[scene]["files"] for scene in rows] == ["2", "1", "3"]
    assert [rows[scene]["minutes"] for scene in rows] == ["2.10", "1.50", "3.60"]  # 126, 90, 216 s


def test_table1_page_shows_the_published_table_with_its_own_totals(street):
    page = table1(street)[1].split("## Published, 75 recordings")[1]
    total = page.strip().splitlines()[-1]
    # The last row of Table 1, in which "-" stands for the classes without any instance.
    expected = "Total 0 60 37 168 0 56 8 71 4 237 3 117 92 99 307 5 38 75 286.94"
    assert total == f"| {expected.replace(' ', ' | ')} |"


def test_table1_refuses_events_that_were_not_asked_and_unknown_scenes(street):
    with (street / "hard.tsv").open("a") as file:
        file.write("c1\t0\t3\tmetro leaving\n")
    with pytest.raises(InputError, match=r"c1: events of \['metro leaving'\], which were not asked in city_center"):
        table1(street)
    (street / "rec.tsv").write_text("recording\tscene\tduration_s\nc0\tmoon\t60\n")
    with pytest.raises(InputError, match="c0: scene 'moon' is not in"):
        table1(street)


def figure2(files, *curves):
    folder, paths = files
    (folder / "table1.tsv").write_text(
        "scene\tcar\tfootsteps\tpeople talking\tfiles\nx\t2\t7\t-\t1\ny\t1\t-\t5\t1\nTotal\t3\t7\t5\t2\n"
    )
    outputs = ("--table1", str(folder / "table1.tsv"), "--tsv", str(folder / "figure2.tsv"))
    main(["figure2", "--metrics", *paths, "--curves", *curves, *outputs])
    return read_table(folder / "figure2.tsv", ("class", "instances"))


def test_figure2_orders_classes_by_instances_and_takes_the_point_of_the_suffix(files):
    rows = figure2(files, "H_BCE_sig", "S_MSE_lin:h", "S_MSE_lin:s", "scene_prior:h")
    assert list(rows[0]) == ["class", "instances", "H_BCE_sig", "S_MSE_lin_h", "S_MSE_lin_s", "scene_prior_h"]
    assert [(row["class"], row["instances"]) for row in rows] == [
        *(("footsteps", "7"), ("people talking", "5"), ("car", "3"))
    ]
    assert [row["H_BCE_sig"] for row in rows] == ["", "0", "79"]  # no reference, never detected, mean of 80 and 78
    assert [row["S_MSE_lin_s"] for row in rows] == ["", "30", "50"]
    assert rows[2]["scene_prior_h"] == "75"


@pytest.mark.parametrize("curve", ["nobody", "S_MSE_lin:x", "S_MSE_lin_h"])
def test_figure2_names_a_curve_that_is_none(files, curve):
    with pytest.raises(InputError, match=f"curve '{curve}': expected SYSTEM"):
        figure2(files, curve)


def test_training_takes_system_run_and_fold_from_the_path(tmp_path):
    paths = []
    for system, run, fold in (("H_BCE_sig", 1, 2), ("my system", 3, 10)):
        path = tmp_path / system / f"run{run}" / f"fold{fold}.history.tsv"
        path.parent.mkdir(parents=True)
        path.write_text("epoch\ttrain_loss\tvalidation_loss\tlearning_rate\n1\t0.5\t0.6\t0.001\n2\t0.4\t0.55\t0.001\n")
        paths.append(str(path))
    main(["training", "--history", *paths, "--tsv", str(tmp_path / "training.tsv")])
    assert (tmp_path / "training.tsv").read_text().splitlines() == [
        "system\trun\tfold\tepoch\ttrain_loss\tvalidation_loss",
        *("H_BCE_sig\t1\t2\t1\t0.5\t0.6", "H_BCE_sig\t1\t2\t2\t0.4\t0.55"),
        *("my system\t3\t10\t1\t0.5\t0.6", "my system\t3\t10\t2\t0.4\t0.55"),
    ]
    stray = tmp_path / "history.tsv"
    stray.write_text("epoch\ttrain_loss\tvalidation_loss\n")
    with pytest.raises(InputError, match=r"expected a history named SYSTEM/runN/foldN\.history\.tsv"):
        main(["training", "--history", str(stray), "--tsv", str(tmp_path / "training.tsv")])


def test_input_metrics_are_left_as_they_are(files):
    before = copy.deepcopy([Path(path).read_bytes() for path in files[1]])
    table2(files)
    assert [Path(path).read_bytes() for path in files[1]] == before


def test_tables_load_nothing_heavy():
    code = "import sys, softsed.report.tables; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sed_eval", "torch", "pandas", "scipy", "matplotlib"} & set(done.stdout.split())


def test_a_name_with_a_bar_stays_one_cell():
    assert grid(["class", "F1"], [["a|b", "1"]]).splitlines()[2] == "| a\\|b | 1 |"
