"""Labels from real disagreement: LEAD's twenty annotators, of whom a few are drawn at random for each window.

The reference is the seconds that more than half of the annotators marked. LEAD (MIT licence) is not part of this
repository.

    python benchmarks/lead.py street_12_recordings.tsv results/benchmarks/lead.tsv

The table has one row per number of annotators per window, reference and method. All values are means over the drawings.
`joint_event` and `joint_people` are the method `joint` with the two targets. The reference `all` is the majority of all
annotators, who include those who were drawn. For the reference `others`, each drawing divides the annotators at random:
one half answers, and the majority of the other half is the reference.

Metrics are those of `softsed.labels.trials`. `f1` is that of the hard labels: above the threshold of the highest
expected F1 for `joint_event`, and above 0.5 for all other methods. Rows with `against` have differences from that
method, on the same opinions and recordings.

Each metric has a 95 % interval, as in `softsed.report.intervals`: the value plus and minus Student's quantile times the
standard error from the jackknife over recordings and the spread over drawings. Labels are made from all recordings, and
are kept when the metrics leave a recording out. The interval of `f1_best` is extended by its estimated bias. Instead of
an interval, `best_threshold` has its smallest and largest value over the drawings.

The constants of `joint_people` (`softsed.labels.joint.people`) were chosen on these recordings. Therefore the rows
`joint_people_left_out` show constants that were chosen without the recording that they are used for. For each
recording, NEAR and REDRAW have the lowest Brier score on all other recordings, numbers of annotators and drawings. The
rule for the threshold, 0.5 or the highest expected F1, has the highest mean F1 on them. A second table, next to the
first, lists the choices, with Brier score and F1 of the recording for the chosen and for the usual constants.
"""

import itertools
import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import build_parser, write

from softsed.core.binary_metrics import brier_score, f1_score
from softsed.core.labels import harden
from softsed.core.metadata import Recording, read_asked, read_classes
from softsed.core.opinions import Opinions, read_opinions
from softsed.data import infer_tables
from softsed.labels.aggregate import ESTIMATORS, soft_labels
from softsed.labels.harden import expected_f1
from softsed.labels.joint import people
from softsed.labels.trials import METRICS, judge
from softsed.report.intervals import interval, spread_of
from softsed.tools.convert import command

SIZES, DRAWINGS = (3, 5, 10), 5  # annotators per window, drawings of each number
MACE = {"competence": {"method": "vb", "restarts": 10, "iterations": 50}}
EVENT, PEOPLE = ({"target": target, "class_weight": 200} for target in ("event", "people"))  # as in config.yaml
METHODS = {"eq1": ("eq1", MACE), "majority": ("majority", MACE), "joint_event": ("joint", EVENT)}
USUAL = people.NEAR, people.REDRAW
GRID = list(itertools.product((0.1, 0.2, 0.4), (0.01, 0.03, 0.1)))  # NEAR, REDRAW
RULES = "0.5", "expected_f1"

logger = logging.getLogger("lead")

Labels = list[np.ndarray]  # [seconds, classes] per recording: soft labels, true seconds, or thresholds
Inputs = tuple[Opinions, Opinions, dict[str, Recording]]
Values = dict[tuple[int, str, str], list[np.ndarray]]


def draw(opinions: Opinions, number: int, rng: np.random.Generator) -> Opinions:
    """Keep the opinions of `number` annotators in each window, drawn independently for each window."""
    lot = rng.random((len(opinions.onset), len(opinions.annotators)))
    kept = (lot.argsort(axis=1).argsort(axis=1) < number)[opinions.window, opinions.annotator]
    return replace(opinions, **{n: getattr(opinions, n)[kept] for n in ("window", "annotator", "label", "opinion")})


def keep(opinions: Opinions, people: np.ndarray) -> Opinions:
    """Keep the opinions of some annotators; `people` are their indices, sorted."""
    kept = np.isin(opinions.annotator, people)
    parts = {name: getattr(opinions, name)[kept] for name in ("window", "label", "opinion")}
    place = np.searchsorted(people, opinions.annotator[kept])
    return replace(opinions, annotators=[opinions.annotators[who] for who in people], annotator=place, **parts)


def majority(seconds: Opinions, recordings: dict[str, Recording]) -> Labels:
    """Return the seconds that more than half of the annotators marked, from opinions on windows of 1 s."""
    share = soft_labels(seconds, np.ones(len(seconds.annotators)), recordings=recordings)
    return [values > 0.5 for values in share.values()]


def read_inputs(annotations: Path) -> Inputs:
    """Return the opinions of all annotators on windows of 10 s and of 1 s, and the recordings."""
    with tempfile.TemporaryDirectory() as scratch:
        tables = {name: Path(scratch) / f"{name}.tsv" for name in ("opinions", "recordings", "classes", "scenes")}
        found = []
        for window in (1, 10):
            strong = ["strong", "--annotations", annotations, "--opinions", tables["opinions"], "--window", window]
            command.main([*map(str, strong)])
            infer_tables.main([f"--opinions={tables['opinions']}", f"--tables={scratch}"])
            classes = read_classes(tables["classes"])
            recordings, asked = read_asked(tables["recordings"], tables["scenes"], classes)
            found.append(read_opinions(tables["opinions"], classes, asked=asked, recordings=recordings))
    return found[1], found[0], recordings


@contextmanager
def constants(near: float, redraw: float) -> Iterator[None]:
    """Use other constants of `softsed.labels.joint.people`."""
    people.NEAR, people.REDRAW = near, redraw
    try:
        yield
    finally:
        people.NEAR, people.REDRAW = USUAL


def estimate(opinions: Opinions, recordings: dict[str, Recording], method: str, config: dict) -> Labels:
    """Make soft labels by a method of `softsed.labels.aggregate`."""
    return list(ESTIMATORS[method](opinions, config, recordings=recordings, seed=0)[1].values())


def thresholds(soft: Labels, rule: str) -> Labels:
    """Return the thresholds of the rule for each second and class."""
    chosen = expected_f1(soft) if rule == "expected_f1" else np.full(soft[0].shape[1], float(rule))
    return [np.broadcast_to(chosen, values.shape) for values in soft]


def measure(soft: Labels, truth: Labels, own: Labels) -> np.ndarray:
    """Compute `METRICS` on all recordings, and without each recording: [1 + recordings, metrics]."""
    rows = []
    for left_out in range(-1, len(soft)):
        parts = [np.concatenate(part[:left_out] + part[left_out + 1 :]) if left_out >= 0 else np.concatenate(part)
                 for part in (soft, truth, own)]  # fmt: skip
        rows.append(list(judge(*parts)[0].values()))
    return np.array(rows)


def describe(values: np.ndarray, scenes: list[str]) -> list[float | None]:
    """List value and interval of each metric; `values` is [drawings, 1 + recordings, metrics]."""
    row: list[float | None] = []
    for place, name in enumerate(METRICS):
        mine = values[..., place]
        if name == "best_threshold":
            row += [float(mine[:, 0].mean()), float(mine[:, 0].min()), float(mine[:, 0].max())]
        else:
            row += interval(mine.mean(axis=0), scenes, spread_of(mine), biased=name == "f1_best")
    return row


def choose(brier: np.ndarray, f1: np.ndarray) -> list[tuple[int, int]]:
    """Choose constants and rule for each recording from the other recordings.

    Parameters
    ----------
    brier : ndarray [grid, drawings, recordings]
        Sums of squared differences.
    f1 : ndarray [grid, rules, drawings, recordings]
        F1 without the recording.

    Returns
    -------
    list of (int, int)
        Index of the constants in the grid, and of the rule.
    """
    others = (brier.sum(axis=2, keepdims=True) - brier).sum(axis=1)  # [grid, recordings]
    best = others.argmin(axis=0)
    return [(int(one), int(f1[one, :, :, place].mean(axis=1).argmax())) for place, one in enumerate(best)]


def leave_out(found: dict[tuple, Labels], cases: list[tuple[int, int]], truth: Labels) -> list[tuple[int, int]]:
    """Return the choice of `choose`; `found` has the soft labels of each case and constants."""
    count = len(truth)
    brier = np.empty((len(GRID), len(cases), count))
    f1 = np.empty((len(GRID), len(RULES), len(cases), count))
    for (place, pair), (column, case) in itertools.product(enumerate(GRID), enumerate(cases)):
        soft = found[*case, *pair]
        brier[place, column] = [((s - t) ** 2).sum() for s, t in zip(soft, truth, strict=True)]
        for row, rule in enumerate(RULES):
            hard = [harden(s, o) for s, o in zip(soft, thresholds(soft, rule), strict=True)]
            hits, size = (
                np.array([pairs(h, t) for h, t in zip(hard, truth, strict=True)])
                for pairs in (lambda h, t: 2 * (h & t).sum(), lambda h, t: h.sum() + t.sum())
            )
            f1[place, row, column] = (hits.sum() - hits) / (size.sum() - size)
    return choose(brier, f1)


def ask_all(inputs: Inputs, cases: list[tuple[int, int]]) -> tuple[Values, list[list]]:
    """Compare all methods with the majority of all annotators.

    Returns
    -------
    values : dict of list of ndarray
        (number, reference, method) -> result of `measure` of each drawing.
    rows : list of list
        Table of the constants that were chosen for each recording.
    """
    everybody, seconds, recordings = inputs
    truth = majority(seconds, recordings)
    found: dict[tuple, Labels] = {}
    values: Values = defaultdict(list)
    for number, drawing in cases:
        opinions = draw(everybody, number, np.random.default_rng([number, drawing]))
        for method, settings in METHODS.items():
            soft = estimate(opinions, recordings, *settings)
            own = thresholds(soft, RULES[method == "joint_event"])
            values[number, "all", method].append(measure(soft, truth, own))
        for pair in GRID:
            with constants(*pair):
                found[number, drawing, *pair] = estimate(opinions, recordings, "joint", PEOPLE)
        soft = found[number, drawing, *USUAL]
        values[number, "all", "joint_people"].append(measure(soft, truth, thresholds(soft, RULES[0])))
        logger.info("%d annotators per window, drawing %d", number, drawing + 1)

    chosen = leave_out(found, cases, truth)
    parts = np.empty((len(truth), len(cases), 4))  # Brier score and F1 of the chosen and the usual constants
    for column, (number, drawing) in enumerate(cases):
        labels, own = [], []
        for place, (one, rule) in enumerate(chosen):
            soft = found[number, drawing, *GRID[one]]
            labels.append(soft[place])
            own.append(thresholds(soft, RULES[rule])[place])
            usual, true = found[number, drawing, *USUAL][place], truth[place]
            for first, values_, limit in ((0, labels[place], own[place]), (2, usual, 0.5)):
                quality = brier_score(values_, true), f1_score(harden(values_, limit), true)
                parts[place, column, first : first + 2] = quality
        values[number, "all", "joint_people_left_out"].append(measure(labels, truth, own))
    means = parts.mean(axis=1).tolist()
    rows = [
        [name, *GRID[one], RULES[rule], *mean]
        for name, (one, rule), mean in zip(recordings, chosen, means, strict=True)
    ]
    return values, rows


def ask_half(inputs: Inputs, cases: list[tuple[int, int]]) -> Values:
    """Compare the fast methods with the majority of annotators who were not asked; as `ask_all`."""
    everybody, seconds, recordings = inputs
    values: Values = defaultdict(list)
    for number, drawing in cases:
        rng = np.random.default_rng([number, drawing])
        order = rng.permutation(len(everybody.annotators))
        half = (len(order) + 1) // 2
        opinions = draw(keep(everybody, np.sort(order[:half])), number, rng)
        truth = majority(keep(seconds, np.sort(order[half:])), recordings)
        for method, settings in (METHODS | {"joint_people": ("joint", PEOPLE)}).items():
            if method != "joint_event":
                soft = estimate(opinions, recordings, *settings)
                values[number, "others", method].append(measure(soft, truth, thresholds(soft, RULES[0])))
    return values


def list_rows(values: Values, scenes: list[str]) -> list[list]:
    """List each method with its intervals, and its differences from eq. 1."""
    rows = []
    for (number, reference, method), mine in sorted(values.items(), key=lambda item: item[0][:2]):
        start = [number, reference, method]
        rows.append([*start, "", *describe(np.array(mine), scenes), len(mine)])
        if method != "eq1":
            gap = np.array(mine) - np.array(values[number, reference, "eq1"])
            rows.append([*start, "eq1", *describe(gap, scenes), len(mine)])
    return rows


def main() -> None:
    """Make labels from the drawings by every method, and compare them with the reference."""
    parser = build_parser(__doc__, "annotations")
    options = parser.parse_args()
    sizes, drawings = ((2,), 2) if options.smoke else (SIZES, DRAWINGS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("softsed").setLevel(logging.ERROR)
    inputs = read_inputs(options.annotations)
    cases = list(itertools.product(sizes, range(drawings)))
    values = ask_half(inputs, cases)
    found, chosen = ask_all(inputs, cases)
    ends = [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    columns = ["annotators_per_window", "reference", "method", "against", *ends, "drawings"]
    scenes = [recording.scene for recording in inputs[2].values()]
    write(options.output, columns, list_rows(found | values, scenes))
    columns = ["recording", "near", "redraw", "threshold", "brier", "f1", "brier_usual", "f1_usual"]
    write(options.output.with_name(f"{options.output.stem}_constants.tsv"), columns, chosen)


if __name__ == "__main__":
    main()
