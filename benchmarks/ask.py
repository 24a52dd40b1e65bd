"""Opinions where they matter: label quality by number of opinions, with questions by `softsed ask` and without.

The pool are the opinions of all annotators about all windows with a hop of 1 s. Ways of asking:

- uniform: a number of annotators per window, hop 1 s, drawn at random; the paper has 5.
- uniform, hop 5 s: the same for windows every 5 s.
- ask: one annotator per window every 2 s, then rounds of questions by `softsed ask` about single classes. A question
  goes to one of the quarter of the annotators whose answers are worth most, drawn at random.
- ask, sheets: the same with all classes of a window together.
- chosen annotators: the same rounds and annotators with random questions, to see what the choice of the questions adds.
- uniform, windows of 5 s, and ask, windows of 5 s: the same number of opinions about windows of 5 s, only for events
  that are shorter.

Crowds are simulated as in the trials (workflow/study.yaml), with events of several lengths and the middle detection,
and labels have the target event. With annotations of LEAD, its annotators are the pool, labels have the target people,
and the reference is the seconds that more than half of them marked. Questions are chosen by the posterior of the target
event there too. The table has means over drawings of crowds (LEAD: of who answers what) and 95 % intervals (Student's
t).

    python benchmarks/ask.py results/benchmarks/ask.tsv
    python benchmarks/ask.py results/benchmarks/ask_lead.tsv --lead street_12_recordings.tsv
"""

import argparse
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import lead
import numpy as np
import yaml
from matplotlib.figure import Figure
from measure import ROOT, build_parser, write
from scipy.stats import t

from softsed.core.binary_metrics import best_threshold, brier_score, f1_score
from softsed.core.labels import harden
from softsed.core.metadata import Recording
from softsed.core.opinions import Opinions
from softsed.labels.ask import CrowdPosterior
from softsed.labels.crowd_plots import COLOURS
from softsed.labels.harden import expected_f1
from softsed.labels.joint.events import event_labels
from softsed.labels.joint.people import people_labels
from softsed.labels.trials import Setting, seed_of, simulate

LENGTHS = (2, 4, 8, 15)  # mean event length in seconds
DRAWINGS = 3
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the opinions of five annotators per window
FULL, START_HOP, SPARSE_HOP = 5, 2, 5
BEST = 0.25  # share of the annotators who are asked
SHORT = 5  # length in seconds of the windows for shorter events
SEED = 18  # of the simulated crowds; hop, share of annotators and SHORT were chosen on crowds of another seed
CLASS_WEIGHT = 200  # as in config.yaml
COLUMNS = ["crowd", "asking", "share", "opinions"]
COLUMNS += [f"{name}{end}" for name in ("f1", "f1_best", "brier") for end in ("", "_low", "_high")]
COLUMNS += ["drawings"]


@dataclass(frozen=True)
class Pool:
    """All opinions that can be asked for, and the reference.

    Attributes
    ----------
    opinions : Opinions
        Opinions of all annotators about all windows.
    recordings : dict of Recording
    truth : ndarray of bool [seconds, classes]
        Reference of all recordings, one after the other.
    target : {"event", "people"}
    length : int
        Length of the windows in seconds.
    short : Pool, optional
        The same annotators and recordings with windows of `SHORT` seconds.
    """

    opinions: Opinions
    recordings: dict[str, Recording]
    truth: np.ndarray
    target: str
    length: int
    short: "Pool | None" = None

    @property
    def full(self) -> int:
        """Number of opinions with five annotators per window."""
        return FULL * len(self.opinions.onset) * len(self.opinions.classes)

    def keep(self, rows: np.ndarray) -> Opinions:
        """Return some of the opinions."""
        names = ("window", "annotator", "label", "opinion")
        return replace(self.opinions, **{name: getattr(self.opinions, name)[rows] for name in names})

    def judge(self, rows: np.ndarray) -> list[float]:
        """Make labels from some opinions, and return F1 at the own and at the best threshold and the Brier score."""
        infer = event_labels if self.target == "event" else people_labels
        found = list(infer(self.keep(rows), recordings=self.recordings, class_weight=CLASS_WEIGHT)[1].values())
        soft = np.nan_to_num(np.concatenate(found))
        own = expected_f1(found) if self.target == "event" else np.full(soft.shape[1], 0.5)
        best = best_threshold(soft.ravel(), self.truth.ravel())[1]
        f1 = f1_score(harden(soft, own).ravel(), self.truth.ravel())
        return [f1, best, brier_score(soft.ravel(), self.truth.ravel())]


def ask_uniform(pool: Pool, rng: np.random.Generator, hop: int) -> Callable[[int], np.ndarray]:
    """Return a function from a number of opinions to the rows asked for: all classes of windows with this hop."""
    opinions = pool.opinions
    sheet = opinions.window * len(opinions.annotators) + opinions.annotator
    sheets, place = np.unique(sheet, return_inverse=True)
    window = sheets // len(opinions.annotators)
    lot = rng.random(len(sheets))
    order = np.lexsort((lot, window))
    rank = np.empty(len(sheets))
    rank[order] = np.arange(len(sheets)) - np.searchsorted(window[order], window[order])
    # First one annotator for each window, in random order, then the second for each.
    turn = np.lexsort((rng.random(len(opinions.onset))[window], rank))
    turn = turn[opinions.onset[window[turn]] % hop == 0]
    classes = len(opinions.classes)

    def rows(number: int) -> np.ndarray:
        kept = np.zeros(len(sheets), dtype=bool)
        kept[turn[: number // classes]] = True
        return np.flatnonzero(kept[place])

    return rows


def ask_where_it_matters(pool: Pool, rng: np.random.Generator, numbers: list[int], way: str) -> list[np.ndarray]:
    """Ask in rounds, and return the rows asked for after each of the given numbers of opinions."""
    opinions = pool.opinions
    classes = range(len(opinions.classes))
    start = len(np.unique(opinions.window[opinions.onset[opinions.window] % START_HOP == 0])) * len(classes)
    kept = np.zeros(len(opinions.opinion), dtype=bool)
    kept[ask_uniform(pool, rng, START_HOP)(start)] = True
    annotated = {name: list(classes) for name in pool.recordings}
    windows = zip(opinions.recording.tolist(), opinions.onset.tolist(), strict=True)
    number = {window: place for place, window in enumerate(windows)}
    row_of = np.full((len(number), len(classes), len(opinions.annotators)), -1)
    row_of[opinions.window, opinions.label, opinions.annotator] = np.arange(len(opinions.opinion))
    found = []
    for budget in numbers:
        left = -1
        while kept.sum() < budget and left != kept.sum():  # questions that nobody is left to answer end it
            left = kept.sum()
            options = {"length": pool.length, "hop": 1, "class_weight": CLASS_WEIGHT}
            posterior = CrowdPosterior(pool.keep(kept), pool.recordings, annotated, **options)
            worth = posterior.annotators.worth
            weight = np.where(worth >= np.quantile(worth, 1 - BEST), 1, 1e-9)  # the others if nobody else is left
            if way == "chosen annotators":
                cells = rng.permutation(len(number) * len(classes))[: budget - left]
                questions = [(cell // len(classes), (cell % len(classes),)) for cell in cells.tolist()]
            else:
                chosen = posterior.choose(int(budget - left), sheets=way == "ask, sheets", repeats=2)
                questions = [(number[one.recording, one.onset], one.classes) for one in chosen]
            for window, labels in questions:
                order = np.argsort(rng.exponential(size=len(weight)) / weight)  # a draw without replacement by weight
                for label in labels:
                    rows = row_of[window, label, order]
                    free = rows[(rows >= 0) & ~kept[rows]]
                    kept[free[:1]] = True
        found.append(np.flatnonzero(kept))
    return found


def measure(pool: Pool, rng: np.random.Generator, shares: tuple[float, ...]) -> dict[tuple[str, float], list[float]]:
    """Measure all ways of asking on one pool: (way, share of five annotators per window) -> opinions and metrics."""
    numbers = [round(share * pool.full) for share in shares]
    all_numbers = [*numbers, pool.full]
    ways = {
        name: (pool, [ask_uniform(pool, rng, hop)(number) for number in all_numbers])
        for name, hop in (("uniform", 1), ("uniform, hop 5 s", SPARSE_HOP))
    }
    for way in ("ask", "ask, sheets", "chosen annotators"):
        ways[way] = pool, ask_where_it_matters(pool, rng, numbers, way)
    if pool.short:
        uniform = [ask_uniform(pool.short, rng, 1)(number) for number in all_numbers]
        ways["uniform, windows of 5 s"] = pool.short, uniform
        ways["ask, windows of 5 s"] = pool.short, ask_where_it_matters(pool.short, rng, numbers, "ask")
    return {
        (name, share): [float(len(rows)), *judge.judge(rows)]
        for name, (judge, asked) in ways.items()
        for share, rows in zip([*shares, 1.0], asked, strict=False)  # uniform: up to all opinions
    }


def simulate_pool(setting: Setting, trials: dict, crowd: dict, seed: int, short: Pool | None = None) -> Pool:
    """Simulate a crowd that answers about all windows of all recordings. The events depend only on the seed."""
    opinions, recordings, truth = simulate(setting, trials, crowd, seed=seed)
    true = np.concatenate(list(truth.values()))
    return Pool(opinions, recordings, true, "event", crowd["window_s"], short)


def draw_pools(options: argparse.Namespace) -> dict[str, list[Pool]]:
    """Draw the pools: several drawings of each simulated crowd, or LEAD once, whose annotators are drawn later."""
    if options.lead:
        everybody, seconds, recordings = lead.read_inputs(options.lead)
        truth = np.concatenate(lead.majority(seconds, recordings))
        return {"LEAD": [Pool(everybody, recordings, truth, "people", 10)] * (1 if options.smoke else DRAWINGS)}
    files = (ROOT / "workflow" / name for name in ("demo.yaml", "study.yaml"))
    demo, study = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)
    crowd, trials = demo["data"]["demo"]["crowd"], study["trials"]
    if options.smoke:
        trials |= {"recordings": 2, "duration_s": 30}
    pools: dict[str, list[Pool]] = {}
    for length in LENGTHS[:1] if options.smoke else LENGTHS:
        setting = Setting(length, "middle", crowd["annotators"], trials["spammers"][0])
        for drawing in range(1 if options.smoke else DRAWINGS):
            seed = seed_of(setting, SEED, drawing)
            short = simulate_pool(setting, trials, crowd | {"window_s": SHORT}, seed) if length < SHORT else None
            pool = simulate_pool(setting, trials, crowd, seed, short)
            pools.setdefault(f"events of {length} s", []).append(pool)
    return pools


def interval(values: list[float]) -> list[float]:
    """Return the mean and the ends of its 95 % interval; the mean three times for one value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return [mean, mean, mean]
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1)) / math.sqrt(len(values))
    return [mean, mean - half, mean + half]


def draw(rows: list[list], path: Path) -> None:
    """Draw F1 at the own threshold and the Brier score by number of opinions, a column per crowd."""
    crowds = list(dict.fromkeys(row[0] for row in rows))
    figure = Figure(figsize=(3.2 * len(crowds) + 0.8, 5.6), layout="constrained")
    panels = figure.subplots(2, len(crowds), sharex=True, sharey="row", squeeze=False)
    for column, crowd in enumerate(crowds):
        mine = [dict(zip(COLUMNS, row, strict=True)) for row in rows if row[0] == crowd]
        ways = list(dict.fromkeys(row["asking"] for row in mine))
        for way in ways:
            solid = way.removesuffix(", windows of 5 s")
            style = {"color": COLOURS[ways.index(solid)], "linestyle": "-" if way == solid else "--"}
            points = [row for row in mine if row["asking"] == way]
            for axes, name in zip(panels[:, column], ("f1", "brier"), strict=True):
                shares = [100 * row["share"] for row in points]
                axes.plot(shares, [row[name] for row in points], marker="o", markersize=3, label=way, **style)
                ends = ([row[f"{name}{end}"] for row in points] for end in ("_low", "_high"))
                axes.fill_between(shares, *ends, color=style["color"], alpha=0.12, linewidth=0)
        panels[0, column].set_title(crowd)
        panels[1, column].set_xlabel("opinions, % of five per window")
    panels[0, 0].set_ylabel("F1")
    panels[1, 0].set_ylabel("Brier score")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, write the table, and draw it beside the table."""
    parser = build_parser(__doc__)
    parser.add_argument("--lead", type=Path, help="annotations of LEAD, instead of simulated crowds")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    shares = (0.2, 0.5) if options.smoke else SHARES
    rows = []
    for crowd, pools in draw_pools(options).items():
        found = [measure(pool, np.random.default_rng(drawing), shares) for drawing, pool in enumerate(pools)]
        for way, share in found[0]:
            values = list(zip(*(one[way, share] for one in found), strict=True))
            metrics = [number for column in values[1:] for number in interval(list(column))]
            rows.append([crowd, way, share, round(float(np.mean(values[0]))), *metrics, len(pools)])
    write(options.output, COLUMNS, rows)
    draw(rows, options.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
