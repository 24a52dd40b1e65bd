"""Figures: the content of their Matplotlib objects, and equal bytes for equal tables."""

import itertools
import sys

import numpy as np
import pytest
from support.errors import refused
from support.project import ROOT
from support.run import run

from softsed.report.figures import (
    STYLE,
    draw_figure2,
    draw_label_quality,
    draw_label_reliability,
    draw_reliability,
    draw_training,
    main,
    mpl,
)

FIGURE2 = """\
class\tinstances\tH_BCE_sig\tS_MSE_lin_h\tS_MSE_lin_s\tscene_prior_h\tscene_prior_s
people talking\t230\t80\t82\t85\t70\t72
footsteps\t165\t40\t30\t60\t0\t50
cutlery and dishes\t60\t0\t0\t50\t0\t30
metro approaching\t60\t\t3\t40\t0\t0
brakes_squeaking\t25\t0\t0\t20\t0\t10
"""
TRAINING = "system\trun\tfold\tepoch\ttrain_loss\tvalidation_loss\tconstant_loss\n" + "".join(
    f"{system}\t1\t{fold}\t{epoch}\t{1 / epoch}\t{abs(epoch - 3) + 0.1 * fold}\t0.5\n"
    for system, fold, epoch in itertools.product(("H_BCE_sig", "S_MSE_lin"), (1, 2), range(1, 6))
)

QUALITY = "event_length_s\tdetection\topinions_per_window\tspammers\tmethod\tf1\tf1_best\n" + "".join(
    f"{length}\t{detection}\t{opinions}\t0.15\t{method}\t{length * opinions / 100}\t{length * opinions / 50}\n"
    for detection, opinions in (("high", 3), ("high", 5), ("low", 3))
    for length, method in itertools.product((2, 8), ("eq1", "joint"))
)
RELIABILITY = "event_length_s\tmethod\tbin_from\tbin_to\tcells\tsoft\ttrue\n" + "".join(
    f"{length}\t{method}\t{low}\t{low + 0.5}\t10\t{soft}\t{true}\n"
    for length, method in itertools.product((2, 8), ("eq1", "joint"))
    for low, soft, true in ((0, 0.2, 0.1 * length), (0.5, "", ""))
)
SCORED = "system\treference\tcalibration_error\tbin_from\tbin_to\tcells\tscore\tlabel\n" + "".join(
    f"{system}\t{reference}\t0.0{place}\t{low}\t{low + 0.5}\t{seconds}\t{score}\t{label}\n"
    for system in ("net", "other", "scene_prior")
    for place, reference in enumerate(("hard", "soft"))
    for low, seconds, score, label in ((0, 30, 0.2, 0.1 * place), (0.5, 10, 0.7, 0.9), (0.9, 0, "", ""))
)


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "table.tsv").write_text(text)
        return tmp_path / "table.tsv"

    return write


def draw(path, name="figure2", stem="out"):
    main(
        [
            name,
            "--table",
            str(path),
            "--svg",
            str(path.parent / f"{stem}.svg"),
            "--png",
            str(path.parent / f"{stem}.png"),
        ]
    )
    return (path.parent / f"{stem}.svg").read_bytes(), (path.parent / f"{stem}.png").read_bytes()


def test_figure2_draws_all_curves(table):
    axes = draw_figure2(table(FIGURE2)).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert len(lines) == 5
    np.testing.assert_array_equal(lines["S_MSE_lin_s"].get_ydata(), [85, 60, 50, 40, 20])
    assert np.isnan(lines["H_BCE_sig"].get_ydata()[3])  # a gap where nothing is defined
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels[0] == "people talking (230)"
    assert labels[-1] == "brakes squeaking (25)"


def test_figure2_marks_baselines(table):
    lines = draw_figure2(table(FIGURE2)).axes[0].lines
    detectors, priors = lines[:3], lines[3:]
    assert all(line.get_label().endswith("(no audio)") and line.get_color() == "0.55" for line in priors)
    assert all(line.is_dashed() and line.get_linewidth() < detectors[0].get_linewidth() for line in priors)
    assert len({line.get_color() for line in detectors}) == len({line.get_marker() for line in detectors}) == 3


def test_figure2_labels_do_not_overlap(table, tmp_path):
    classes = "".join(f"a class with a long name {i}\t{99 - i}\t50\n" for i in range(17))
    with mpl.rc_context(STYLE):
        figure = draw_figure2(table("class\tinstances\tsystem\n" + classes))
        figure.savefig(tmp_path / "out.png")  # the layout is made when it is drawn
    texts = figure.axes[0].get_xticklabels()
    boxes = [text.get_window_extent() for text in texts]
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    # Parallel rotated lines are as far apart as their right ends, times the sine of the rotation.
    apart = [(b.x1 - a.x1) * np.sin(np.radians(texts[0].get_rotation())) for a, b in itertools.pairwise(boxes)]
    assert min(apart) > texts[0].get_fontsize() * figure.dpi / 72


@pytest.mark.parametrize(("classes", "drawn"), [(1, 1), (18, 18), (40, 40), (360, 40)])
def test_figure2_is_readable_for_any_classes(table, tmp_path, classes, drawn):
    names = "".join(
        f"class {i:03} whose name has more than thirty characters\t{999 - i}\t50\t20\n" for i in range(classes)
    )
    with mpl.rc_context(STYLE):
        figure = draw_figure2(table("class\tinstances\tsystem\tscene_prior\n" + names))
        figure.savefig(tmp_path / "out.png")
    (axes,) = figure.axes
    texts = axes.get_xticklabels()
    assert len(texts) == len(axes.lines[0].get_xdata()) == drawn
    assert texts[0].get_text() == "class 000 whose…rty characters (999)"
    counted = ": the 40 most frequent of 360 classes" if classes > drawn else ""
    assert axes.get_xlabel() == f"class (event instances){counted}"
    boxes = [text.get_window_extent() for text in texts]
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    assert all(b.x0 >= a.x1 - 1 for a, b in itertools.pairwise(boxes))  # vertical names
    assert axes.bbox.height > 0.3 * figure.bbox.height
    assert (axes.lines[1].get_marker() == "_") == (classes == 1)  # a line of one point is invisible


def test_training_panels_and_best_epochs(table):
    figure = draw_training(table(TRAINING))
    assert [axes.get_title() for axes in figure.axes] == ["H_BCE_sig", "S_MSE_lin"]
    for axes in figure.axes:
        assert len(axes.lines) == 4 * 2  # train, validation, mark and constant of two folds
        constants = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert [set(line.get_ydata()) for line in constants] == [{0.5}, {0.5}]
        marks = [line for line in axes.lines if line.get_marker() == "o"]
        assert [float(line.get_xdata()[0]) for line in marks] == [3, 3]
        assert [float(line.get_ydata()[0]) for line in marks] == pytest.approx([0.1, 0.2])


def test_label_quality_panels_and_best_eq1(table):
    figure = draw_label_quality(table(QUALITY))
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == 3
    assert panels[1].get_title() == "high detection, 5 opinions, 15% spammers"
    eq1, joint, best = panels[1].get_lines()
    assert list(eq1.get_xdata()) == list(best.get_xdata()) == [2, 8]
    assert list(joint.get_ydata()) == pytest.approx([0.1, 0.4])
    assert list(best.get_ydata()) == pytest.approx([0.2, 0.8])
    assert (eq1.get_linestyle(), best.get_linestyle()) == ("-", "--")
    assert eq1.get_color() == best.get_color() != joint.get_color()
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["eq1", "joint", "eq1 at the best threshold (requires the ground truth)"]


def test_label_reliability_panels_and_empty_bins(table):
    figure = draw_label_reliability(table(RELIABILITY))
    assert [axes.get_title() for axes in figure.axes] == ["events of 2 s", "events of 8 s"]
    diagonal, eq1, joint = figure.axes[1].get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    np.testing.assert_allclose(eq1.get_ydata(), [0.8, np.nan])
    np.testing.assert_allclose(joint.get_xdata(), [0.2, np.nan])


def test_reliability_panels_with_both_references(table):
    figure = draw_reliability(table(SCORED))
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == [
        f"{name}\nsoft 0.010, hard 0.000" for name in ("net", "other", "scene_prior (no audio)")
    ]
    diagonal, soft, hard = panels[0].get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    np.testing.assert_allclose(soft.get_ydata(), [0.1, 0.9, np.nan])
    np.testing.assert_allclose(hard.get_ydata(), [0, 0.9, np.nan])
    areas = panels[0].collections[0].get_sizes()
    assert (areas[0] - 4) / (areas[1] - 4) == pytest.approx(3)  # the circles of the soft reference: 30 and 10 s


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("figure2", FIGURE2),
        ("training", TRAINING),
        ("label_quality", QUALITY),
        ("label_reliability", RELIABILITY),
        ("reliability", SCORED),
    ],
)
def test_same_table_same_bytes(table, name, text):
    path = table(text)
    first, second = draw(path, name, "first"), draw(path, name, "second")
    assert first == second
    assert b"<dc:date>" not in first[0]
    assert first[0].startswith(b"<?xml")
    assert first[1].startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("draw_table", "text", "problem"),
    [
        (draw_figure2, "class\tinstances\ncar\t3\n", "no curve"),
        (draw_figure2, "class\tinstances\tx\n", "no row"),
        (draw_figure2, "class\tinstances\tx\ncar\t3\tmany\n", ["'x'", "many"]),
        (draw_training, TRAINING.splitlines()[0], "no row"),
        (draw_label_quality, QUALITY.splitlines()[0], "no row"),
        (draw_label_reliability, RELIABILITY.splitlines()[0], "no row"),
        (draw_reliability, SCORED.splitlines()[0], "no row"),
    ],
)
def test_table_without_anything_to_draw(table, draw_table, text, problem):
    with refused(file="table.tsv", problem=problem):
        draw_table(table(text))


def test_figures_import_no_torch_and_no_metrics():
    code = "import sys, softsed.report.figures; print(*sys.modules)"
    modules = run(ROOT, sys.executable, "-c", code).split()
    assert not {"sed_eval", "torch", "softsed.report.summary", "matplotlib.pyplot"} & set(modules)
