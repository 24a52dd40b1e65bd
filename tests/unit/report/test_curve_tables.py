"""Tables of curves: class-wise F1 with known values, and histories joined by the names of their files."""

import pytest
from support.errors import refused

from softsed.core.tsv import read_table
from softsed.report.curve_tables import main


def test_figure2_order_and_operating_points(files, figure2):
    """Classes with equal numbers of instances are in the order of the metrics, not of the alphabet."""
    rows = read_table(
        figure2(*files, "H_BCE_sig", "S_MSE_lin:h", "S_MSE_lin:s", "scene_prior:h"), ("class", "instances")
    )
    assert list(rows[0]) == ["class", "instances", "H_BCE_sig", "S_MSE_lin_h", "S_MSE_lin_s", "scene_prior_h"]
    assert [(row["class"], row["instances"]) for row in rows] == [
        *(("footsteps", "7"), ("people talking", "5"), ("car", "3"), ("shopping cart", "0"), ("announcement", "0"))
    ]
    # No reference, never detected, mean of 80 and 78. The last two classes are not evaluated at the fixed threshold.
    assert [row["H_BCE_sig"] for row in rows] == ["", "0", "79", "", ""]
    assert [row["S_MSE_lin_s"] for row in rows] == ["", "30", "50", "0", "10"]
    assert rows[2]["scene_prior_h"] == "75"


def test_figure2_fixed_curves_have_evaluated_classes(files, figure2):
    rows = read_table(figure2(*files, "H_BCE_sig", "S_MSE_lin:h"), ("class",))
    assert [row["class"] for row in rows] == ["footsteps", "people talking", "car"]


@pytest.mark.parametrize("curve", ["nobody", "S_MSE_lin:x", "S_MSE_lin_h"])
def test_figure2_unknown_curve(files, figure2, curve):
    with refused(key="report.curves", problem=repr(curve)):
        figure2(*files, curve)


HISTORY = "epoch\ttrain_loss\tvalidation_loss\tlearning_rate\tconstant_loss\n"


def test_training_system_run_and_fold_from_path(tmp_path):
    paths = []
    for system, run, fold in (("H_BCE_sig", 1, 2), ("my system", 3, 10)):
        path = tmp_path / system / f"run{run}" / f"fold{fold}.history.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(HISTORY + "1\t0.5\t0.6\t0.001\t0.7\n2\t0.4\t0.55\t0.001\t0.7\n")
        paths.append(str(path))
    main(["training", "--history", *paths, "--tsv", str(tmp_path / "training.tsv")])
    assert (tmp_path / "training.tsv").read_text().splitlines() == [
        "system\trun\tfold\tepoch\ttrain_loss\tvalidation_loss\tconstant_loss",
        *("H_BCE_sig\t1\t2\t1\t0.5\t0.6\t0.7", "H_BCE_sig\t1\t2\t2\t0.4\t0.55\t0.7"),
        *("my system\t3\t10\t1\t0.5\t0.6\t0.7", "my system\t3\t10\t2\t0.4\t0.55\t0.7"),
    ]


def test_convergence_by_hand(tmp_path):
    """Of three trainings one is not below its constant, and one has its best epoch among the last tenth."""
    losses = {("a", 1): [0.9, 0.5, 0.6], ("a", 2): [0.9, 0.8, 0.7], ("b", 1): [0.3, *[0.4] * 19]}
    constants = {("a", 1): 0.6, ("a", 2): 0.6, ("b", 1): 0.31}
    rows = [
        f"{system}\t1\t{fold}\t{epoch}\t0.1\t{loss}\t{constants[system, fold]}"
        for (system, fold), listed in losses.items()
        for epoch, loss in enumerate(listed, start=1)
    ]
    columns = "system\trun\tfold\tepoch\ttrain_loss\tvalidation_loss\tconstant_loss"
    (tmp_path / "training.tsv").write_text("\n".join([columns, *rows]) + "\n")
    options = ["--schedule", "plateau", "--training", str(tmp_path / "training.tsv")]
    main(["convergence", *options, "--tsv", str(tmp_path / "out.tsv")])
    assert (tmp_path / "out.tsv").read_text().splitlines() == [
        "system\ttrainings\tabove_constant\tlate\tbest_epoch\tepochs\tvalidation_loss\tconstant_loss",
        "a\t2\t1\t1\t2.5\t3\t0.6\t0.6",
        "b\t1\t0\t0\t1\t20\t0.3\t0.31",
    ]


@pytest.mark.parametrize(
    ("schedule", "constant", "level"), [("plateau", 1, "WARNING"), ("cycle", 1, "INFO"), ("cycle", 0.1, "WARNING")]
)
def test_late_best_epoch_is_expected_with_cycle(tmp_path, caplog, schedule, constant, level):
    """The learning rate of a cycle falls to 0, so that only a loss above the constant is a warning."""
    caplog.set_level("INFO")
    columns = "system\trun\tfold\tepoch\ttrain_loss\tvalidation_loss\tconstant_loss\n"
    (tmp_path / "training.tsv").write_text(f"{columns}a\t1\t1\t1\t0.4\t0.4\t{constant}\n")
    options = ["--schedule", schedule, "--training", str(tmp_path / "training.tsv")]
    main(["convergence", *options, "--tsv", str(tmp_path / "out.tsv")])
    assert [record.levelname for record in caplog.records] == [level]


def test_training_history_with_another_name(tmp_path):
    stray = tmp_path / "history.tsv"
    stray.write_text(HISTORY)
    with refused(file="history.tsv", expected="SYSTEM/runN/foldN.history.tsv"):
        main(["training", "--history", str(stray), "--tsv", str(tmp_path / "training.tsv")])
