"""Statistics of soft labels: hand-worked cells, processes of known autocorrelation, published figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import f_oneway
from support.errors import refused
from support.project import ROOT
from support.shared import shared
from support.tsv import read_rows, write_tables

from softsed.core.labels import write_soft
from softsed.core.metadata import read_classes, read_scenes
from softsed.report import label_statistics

RESOURCES = ROOT / "workflow" / "resources"
NAN = float("nan")


def whole(found: dict[tuple[str, str], float], name: str) -> float:
    return found[name, "recordings"]


def test_shares_and_quantiles_by_hand():
    """Ten cells: two zeros; bounds themselves do not count."""
    matrix = np.array([[0, NAN, 0.5], [0, NAN, 0.6], [0.04, NAN, 0.8], [0.1, NAN, 0.96], [0.2, NAN, 1.0]])
    found = label_statistics.describe(label_statistics.to_series([matrix], ["city"]))
    shares = {"nonzero": 0.8, "below_0.05": 0.3, "from_0.2_to_0.8": 0.2, "above_0.5": 0.4, "above_0.95": 0.2}
    assert {name: whole(found, name) for name in shares} == pytest.approx(shares)
    # Not zero: .04 .1 .2 .5 .6 .8 .96 1; the median lies between the fourth and the fifth.
    assert whole(found, "quantile_0.5") == pytest.approx(0.55)
    assert whole(found, "quantile_0.25") == pytest.approx(0.1 + 0.75 * 0.1)
    # First and last seconds: 0, .5, .2, 1; of .2, .5 and 1 the 5 % quantile is a tenth of the way from .2 to .5.
    assert whole(found, "edge_quantile_0.05") == pytest.approx(0.2 + 0.1 * 0.3)


def test_one_series_per_recording_and_class():
    one, two, three = np.array([[0.1, NAN, 0.2]] * 4), np.array([[NAN, 0.3, NAN]] * 7), np.array([[0.4, NAN, NAN]] * 5)
    series = label_statistics.to_series([one, two, three], ["city", "home", "city"])
    lengths = {key: [(len(values), values[0]) for values in parts] for key, parts in series.items()}
    assert lengths == {("city", 0): [(4, 0.1), (5, 0.4)], ("city", 2): [(4, 0.2)], ("home", 1): [(7, 0.3)]}


def test_variance_between_recordings_by_hand():
    """Means .2 and .6 about .4: 4 * .2 ** 2 of the sum of squares; within them 4 * .1 ** 2."""
    levels = {("city", 0): [np.array([0.1, 0.3]), np.array([0.5, 0.7])]}
    assert label_statistics.variance_between_recordings(levels) == pytest.approx(0.8)
    same = {("home", 0): [np.array([0.1, 0.3]), np.array([0.3, 0.1])]}  # nothing lies between these recordings
    assert label_statistics.variance_between_recordings(levels | same) == pytest.approx(0.4)
    left_out = {("home", 1): [np.array([0.2, 0.9])], ("home", 2): [np.full(2, 0.5), np.full(3, 0.5)]}
    assert label_statistics.variance_between_recordings(levels | left_out) == pytest.approx(0.8)
    assert np.isnan(label_statistics.variance_between_recordings(left_out))


def test_variance_between_recordings_is_eta_squared():
    """F of a one-way analysis of variance gives the same share, also for recordings of different lengths."""
    rng = np.random.default_rng(1)
    parts = [np.clip(rng.normal(level, 0.1, length), 0, 1) for level, length in ((0.2, 30), (0.5, 80), (0.4, 55))]
    groups, cells = len(parts), sum(map(len, parts))
    explained = f_oneway(*parts).statistic * (groups - 1)
    expected = explained / (explained + cells - groups)
    assert label_statistics.variance_between_recordings({("city", 0): parts}) == pytest.approx(expected)


def test_pieces_leave_the_rest_out():
    pieces = label_statistics.to_pieces([np.arange(130), np.arange(60), np.arange(59)], 60)
    assert [(piece[0], piece[-1]) for piece in pieces] == [(0, 59), (60, 119), (0, 59)]


def test_autocorrelation_by_hand():
    swing, step = np.array([0, 1] * 5), np.array([0, 0, 0, 1, 1])
    assert label_statistics.autocorrelation([swing], 1) == pytest.approx(-1)
    assert label_statistics.autocorrelation([swing], 2) == pytest.approx(1)
    # The step: 0 0 0 1 against 0 0 1 1: covariance 1/8, variances 3/16 and 1/4.
    by_hand = (1 / 8) / np.sqrt(3 / 16 * 1 / 4)
    assert label_statistics.autocorrelation([step], 1) == pytest.approx(by_hand)
    assert label_statistics.autocorrelation([swing, step], 1) == pytest.approx((-1 + by_hand) / 2)
    still = np.full(9, 0.3)
    ending = np.array([0, 0, 0, 1])  # its first part is constant
    assert label_statistics.autocorrelation([still, ending, step], 1) == pytest.approx(by_hand)
    assert np.isnan(label_statistics.autocorrelation([still, ending], 1))
    assert np.isnan(label_statistics.autocorrelation([np.array([0, 1])], 1))


@pytest.mark.parametrize("rho", [0.9, 0.5, -0.3])
def test_autocorrelation_of_an_autoregressive_process(rho):
    rng = np.random.default_rng(1)
    series = np.zeros((3, 20_000))
    for second in range(1, series.shape[1]):
        series[:, second] = rho * series[:, second - 1] + rng.standard_normal(3)
    for lag in (1, 2, 5):
        assert label_statistics.autocorrelation(list(series), lag) == pytest.approx(rho**lag, abs=0.03)


def test_autocorrelation_of_random_windows():
    """Independent answers about windows of 10 s every second: seconds share 10 - lag of 10 windows."""
    answers = np.random.default_rng(1).random(30_000)
    labels = np.convolve(answers, np.full(10, 0.1), "valid")
    found = label_statistics.describe({("city", 0): [labels]})
    for lag, expected in ((1, 0.9), (2, 0.8), (5, 0.5), (10, 0)):
        assert whole(found, f"autocorrelation_{lag}s") == pytest.approx(expected, abs=0.03)
    # Pieces subtract their own means, so that their autocorrelation is lower.
    assert found["autocorrelation_5s", "pieces of 60 s"] < whole(found, "autocorrelation_5s") - 0.03


def test_undefined_statistics_are_nan():
    found = label_statistics.describe({("city", 0): [np.zeros(30)]})
    assert whole(found, "nonzero") == 0
    assert np.isnan(whole(found, "quantile_0.5"))
    assert np.isnan(whole(found, "variance_between_recordings"))
    assert np.isnan(found["autocorrelation_1s", "pieces of 60 s"])
    table = label_statistics.compare(found, {("nonzero", "recordings"): 0.98})
    assert list(zip(table["statistic"], table["on"], strict=True)) == list(found)
    rows = table.set_index(["statistic", "on"])
    assert rows.loc[("nonzero", "recordings"), "difference"] == pytest.approx(-0.98)
    assert np.isnan(rows.loc[("quantile_0.5", "recordings"), "value"])
    np.testing.assert_array_equal(rows.loc[("below_0.05", "recordings")], [1, np.nan, np.nan])


def test_no_annotated_class():
    with refused(key="evaluate.classes"):
        label_statistics.describe(label_statistics.to_series([np.full((5, 2), NAN)], ["city"]))


def test_published_statistics_match_published_labels():
    rows = read_rows(shared("maestro_real/soft_labels_all.tsv"))
    classes = [name for name in rows[0] if name not in ("filename", "onset", "offset")]
    scenes = read_scenes(RESOURCES / "scenes.tsv", read_classes(RESOURCES / "classes.tsv"))
    cells: dict[str, list[list[float]]] = {}
    for row in rows:
        asked = scenes[row["filename"].rpartition("_")[0]]
        cells.setdefault(row["filename"], []).append([float(row[name]) if name in asked else NAN for name in classes])
    assert (len(cells), len(classes)) == (49, 11)
    places = [recording.rpartition("_")[0] for recording in cells]
    found = label_statistics.describe(label_statistics.to_series(map(np.array, cells.values()), places))
    published = label_statistics.read_reference(RESOURCES / "published_labels.tsv")
    assert list(found) == list(published)
    assert found == pytest.approx(published, rel=1e-4)


@pytest.fixture
def command(tmp_path) -> list[str]:
    classes = ["car", "dog", "footsteps"]
    rng = np.random.default_rng(1)
    soft = {name: rng.random((70, 3)) for name in ("a", "b")}
    for values in soft.values():
        values[:, 1] = 0  # not evaluated: it would more than double the zeros
    write_soft(tmp_path / "soft.tsv", soft, classes)
    files = {
        "recordings": "recording\tscene\tduration_s\na\tcity\t70.5\nb\tcity\t70.0\n",
        "classes": "class\ncar\ndog\nfootsteps\n",
        "published": "statistic\ton\tvalue\nnonzero\trecordings\t0.75\n",
        "competence": "annotator\tcompetence\topinions\np\t0.001\t9\nq\t0.5\t9\nr\t0.75\t9\n",
    }
    inputs = write_tables(tmp_path, files)
    outputs = ["--tsv", str(tmp_path / "out.tsv"), "--counts", str(tmp_path / "out.json")]
    return ["--soft", str(tmp_path / "soft.tsv"), "--evaluated", '["car", "footsteps"]', *inputs, *outputs]


def written(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["statistic"], row["on"]): row for row in read_rows(path)}


def test_table_and_counts(command, tmp_path):
    label_statistics.main(command)
    table = written(tmp_path / "out.tsv")
    nonzero = table["nonzero", "recordings"]
    assert (nonzero["value"], nonzero["published"], nonzero["difference"]) == ("1", "0.75", "0.25")
    assert [table[f"competence_{name}", "annotators"]["value"] for name in ("least", "median", "greatest")] == [
        "0.001",
        "0.5",
        "0.75",
    ]
    assert json.loads((tmp_path / "out.json").read_text()) == {"recordings": 2, "series": 4}


def test_labels_without_competence(command, tmp_path):
    at = command.index("--competence")
    label_statistics.main([*command[: at + 1], *command[at + 2 :]])  # the command of the rule for published labels
    assert not any(name.startswith("competence") for name, _ in written(tmp_path / "out.tsv"))


def test_bad_reference(command, tmp_path):
    (tmp_path / "published.tsv").write_text("statistic\ton\tvalue\nnonzero\trecordings\tmany\n")
    with refused(file="published.tsv", problem=["'value'", "many"]):
        label_statistics.main(command)
