"""The table of label quality: what the trials of the label estimators came to, method beside method.

One row a setting and method, means over the trials. A method is judged by the F1 of its hard labels at its own
threshold, which needs no truth, against what eq. 1 reaches at the best of all thresholds, which does.
"""

import argparse
import math
from collections.abc import Iterable
from pathlib import Path

from softsed.core.binary_scores import BINS
from softsed.core.errors import InputError
from softsed.core.tsv import read_table
from softsed.labels.trials import KEYS, QUALITY, RELIABILITY, SCORES
from softsed.report.markdown import grid, number
from softsed.report.tables import average, write_tsv

BASELINE = "eq1"
COLUMNS = [*KEYS, "method", "trials", "active_share", *SCORES, "f1_std", "brier_std", "gain", "gain_std", "gain_least"]
PAGE = """\
# Label quality on simulated crowds

Labels made from the same simulated opinions by each method, against the true seconds; means over {trials} trial(s).
What the columns say:

- The name of a method: F1 of its hard labels at the threshold that the config gives it (`labels.threshold`,
  `labels.joint.threshold`), which needs no truth. "best": at the threshold that suits the setting best, which does.
- gain: F1 less that of `eq1` at its best threshold, mean (and the least of the trials).
- Brier: mean squared difference of soft label and truth. Calibration error: mean distance of soft label and share of
  true seconds; a soft label by eq. 1 is a share of ticks, not a probability, so that it is
  not small there; one by `joint` is a probability, or the share of ticks where that is less.

The estimators know nothing of how these crowds decide (`workflow/softsed/data/simulate.py`): by loudness, masking by
other sounds, inattention at the ends of a window, personal criteria, habits, confusions. They are simulations.

"""


def collect(rows: list[dict[str, str]]) -> list[dict]:
    """Average the trials: one row a setting and method, in the order of the trials.

    Parameters
    ----------
    rows : list of dict
        Rows of `trials.QUALITY` of all trials.

    Returns
    -------
    list of dict
        `COLUMNS`; values are None where no trial has one, standard deviations for one trial, gains without eq. 1.
    """
    found: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in (*KEYS, "method")), {})[row["trial"]] = row
    table = []
    for key, trials in found.items():
        base = found.get((*key[:-1], BASELINE), {})
        values = {name: defined(row[name] for row in trials.values()) for name in ("active_share", *SCORES)}
        gains = [float(row["f1"]) - float(base[trial]["f1_best"]) for trial, row in trials.items() if trial in base]
        gains = [gain for gain in gains if not math.isnan(gain)]
        means = {name: average(column) for name, column in values.items()}
        gain, gain_std = average(gains)
        table.append(
            dict(zip((*KEYS, "method"), key, strict=True))
            | {"trials": len(trials)}
            | {name: mean for name, (mean, _) in means.items()}
            | {f"{name}_std": means[name][1] for name in ("f1", "brier")}
            | {"gain": gain, "gain_std": gain_std, "gain_least": min(gains, default=None)}
        )
    return table


def defined(texts: Iterable[str]) -> list[float]:
    """Convert to numbers and leave out nan: a trial without any true second has no F1."""
    return [value for value in map(float, texts) if not math.isnan(value)]


def pool_bins(rows: list[dict[str, str]]) -> list[dict]:
    """Add up the reliability diagrams of all settings with the same event length.

    Returns
    -------
    list of dict
        event_length_s, method, bin_from, bin_to, cells, soft (mean soft label) and true (share of true cells), the last
        two None for an empty bin.
    """
    sums: dict[tuple[str, str, int], list[float]] = {}
    for row in rows:
        total = sums.setdefault((row["event_length_s"], row["method"], int(row["bin"])), [0.0, 0.0, 0.0])
        for place, name in enumerate(("cells", "soft_sum", "true_cells")):
            total[place] += float(row[name])
    return [
        {"event_length_s": length, "method": method, "bin_from": place / BINS, "bin_to": (place + 1) / BINS}
        | {"cells": round(cells), "soft": soft / cells if cells else None, "true": true / cells if cells else None}
        for (length, method, place), (cells, soft, true) in sums.items()
    ]


def page(rows: list[dict]) -> str:
    """Write the page: one row a setting, methods side by side."""
    settings: dict[tuple[str, ...], dict[str, dict]] = {}
    for row in rows:
        settings.setdefault(tuple(row[key] for key in KEYS), {})[row["method"]] = row
    methods = list(dict.fromkeys(row["method"] for row in rows))
    columns = ["events, s", "detection", "opinions", "spammers"]
    columns += [text for method in methods for text in (method, f"{method} best")]
    columns += [f"{text} {method}" for text in ("gain", "Brier", "calibration") for method in methods]
    lines = []
    for key, found in settings.items():
        rows = [found[method] for method in methods]
        line = [*key, *(number(row[name], 3) for row in rows for name in ("f1", "f1_best"))]
        line += ["" if row["gain"] is None else f"{row['gain']:+.3f} ({row['gain_least']:+.3f})" for row in rows]
        lines.append(line + [number(row[name], 3) for name in ("brier", "calibration_error") for row in rows])
    trials = max(row["trials"] for found in settings.values() for row in found.values())
    return PAGE.format(trials=trials) + grid(columns, lines).rstrip("\n") + "\n"


def main(argv: list[str] | None = None) -> None:
    """Make the tables of label quality from the trials."""
    parser = argparse.ArgumentParser(prog="softsed report.label_quality", description=main.__doc__)
    parser.add_argument("--quality", type=Path, nargs="+", required=True, help="scores, one table a trial")
    parser.add_argument("--reliability", type=Path, nargs="+", required=True, help="reliability, one table a trial")
    parser.add_argument("--tsv", type=Path, required=True, help="table of label quality, written")
    parser.add_argument("--markdown", type=Path, required=True, help="page of it, written")
    parser.add_argument("--diagram", type=Path, required=True, help="table of the reliability diagrams, written")
    options = parser.parse_args(argv)
    rows = collect([row for path in options.quality for row in read_table(path, tuple(QUALITY))])
    bins = pool_bins([row for path in options.reliability for row in read_table(path, tuple(RELIABILITY))])
    if not rows or not bins:
        raise InputError(
            f"{options.quality}, {options.reliability}: no row; expected the tables of `softsed labels.trials`"
        )
    write_tsv(options.tsv, COLUMNS, rows)
    write_tsv(options.diagram, list(bins[0]), bins)
    options.markdown.write_text(page(rows), encoding="utf-8")
