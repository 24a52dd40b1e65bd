"""Coverage of the 95 % intervals of `report.intervals`, on simulated data sets whose true metrics are known.

A data set has five scenes with five recordings of 60 s and eight classes, of which four occur in each scene. Two
detectors, `better` and `worse`, share a part of the difficulty of each recording. `recording_prior` is the mean
reference of the recording. In the setting `alike`, the recordings of a scene differ less than in the setting `varied`.
The true value of a metric is its value on a data set of 1000 recordings per scene.

The table has one row per setting, metric and system, or pair of systems. `bias` is the mean value minus the true value.
`usual` is the share of intervals that contain the true value without an extension. `extended` is the share with the
extension by the estimated bias, which only best macro F1 has. `bootstrap` is the share of percentile intervals of the
bootstrap within scenes, for metrics at a threshold. All these numbers are in percent.

    python benchmarks/intervals.py results/benchmarks/intervals.tsv
"""

from dataclasses import dataclass

import numpy as np
from measure import build_parser, write

from softsed.report.intervals import OPTIMISTIC, interval
from softsed.report.jackknife import leave_out, ranking_metrics, temporal_metrics, threshold_metrics

SCENES, SIZE, SECONDS, CLASSES = 5, 5, 60, 8
SPREADS = {"alike": 0.2, "varied": 0.5}  # standard deviation of the scores' shift between recordings of a scene
GAINS = {"better": 2.0, "worse": 1.4}  # mean of the scores in active seconds, above that in other seconds
THRESHOLDS = {"better": 2.0, "worse": 2.0, "recording_prior": 0.5}
RATES = np.where(np.arange(CLASSES) % 2, 0.4, 1)  # every second class is rare
PAIRS = [("better", "worse"), ("better", "recording_prior")]
WITHOUT_THRESHOLD = ("f1_best_macro", "mpauc", "auroc_within")


@dataclass(frozen=True)
class Sizes:
    """Numbers of simulated data sets, recordings per scene behind a true value, and resamples of the bootstrap."""

    sets: int
    recordings: int
    resamples: int


def simulate(scene: int, spread: float, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw the reference of a recording, bool [seconds, classes], and the scores of each system."""
    present = np.arange(scene, scene + CLASSES // 2)
    reference = np.zeros((SECONDS, CLASSES), bool)
    reference[:, present] = rng.random((SECONDS, len(present))) < rng.beta(0.5, 2, len(present)) * RATES[present]
    shared = rng.normal(0, spread, len(present))
    outputs = {}
    for system, gain in GAINS.items():
        outputs[system] = rng.normal(0, 1, reference.shape)
        outputs[system][:, present] += 0.8 + shared + rng.normal(0, spread, len(present))
        outputs[system][:, present] += rng.normal(gain, spread, len(present)) * reference[:, present]
        outputs[system] = outputs[system].round(2)
    outputs["recording_prior"] = np.tile(reference.mean(axis=0), (SECONDS, 1))
    return reference, outputs


def evaluate(
    size: int, spread: float, rng: np.random.Generator, weights: np.ndarray, resamples: np.ndarray
) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Compute the metrics of all systems, in percent, on a data set with `size` recordings per scene.

    Parameters
    ----------
    weights, resamples : ndarray [resamples, recordings]
        Weights of the recordings for all metrics, and for metrics at a threshold only.

    Returns
    -------
    dict
        From (metric, system) to the values with both kinds of weights.
    """
    drawn = [simulate(scene, spread, rng) for scene in range(SCENES) for _ in range(size)]
    reference = [active for active, _ in drawn]
    values = {}
    for system, threshold in THRESHOLDS.items():
        outputs = [found[system] for _, found in drawn]
        pairs = [(active, output > threshold) for active, output in zip(reference, outputs, strict=True)]
        metrics = threshold_metrics(pairs) | ranking_metrics(reference, outputs) | temporal_metrics(reference, outputs)
        for name, metric in metrics.items():
            drawn_again = resamples if name not in WITHOUT_THRESHOLD else resamples[:0]
            values[name, system] = 100 * metric(weights), 100 * metric(drawn_again)
    return values


def measure(setting: str, sizes: Sizes) -> list[list]:
    """Compute the rows of one setting."""
    spread, rng = SPREADS[setting], np.random.default_rng([20, list(SPREADS).index(setting)])
    scenes = [str(scene) for scene in range(SCENES) for _ in range(SIZE)]
    weights = np.concatenate([np.ones((1, len(scenes))), leave_out(scenes)])
    whole = np.ones((1, SCENES * sizes.recordings))
    true = {key: found for key, (found, _) in evaluate(sizes.recordings, spread, rng, whole, whole[:0]).items()}
    sets = []
    for _ in range(sizes.sets):
        counts = rng.multinomial(SIZE, [1 / SIZE] * SIZE, size=(sizes.resamples, SCENES)).reshape(sizes.resamples, -1)
        sets.append(evaluate(SIZE, spread, rng, weights, counts.astype(float)))
    rows = []
    for metric in dict.fromkeys(name for name, _ in true):
        for system, against in [*((name, "") for name in THRESHOLDS), *PAIRS]:
            if metric == "auroc_within" and system == "recording_prior":  # exactly 50 %
                continue
            exact = true[metric, system][0] - (true[metric, against][0] if against else 0)
            bias, covered = [], {"usual": [], "extended": [], "bootstrap": []}
            for found in sets:
                values, again = (
                    mine - (other if against else 0)
                    for mine, other in zip(found[metric, system], found[metric, against or system], strict=True)
                )
                bias.append(values[0] - exact)
                for kind in ("usual", "extended") if metric == OPTIMISTIC else ("usual",):
                    _, low, high = interval(values, scenes, [], biased=kind == "extended")
                    covered[kind].append(low <= exact <= high)
                if len(again):
                    low, high = np.nanpercentile(again, [2.5, 97.5])
                    covered["bootstrap"].append(low <= exact <= high)
            shares = [100 * float(np.mean(kept)) if kept else "" for kept in covered.values()]
            rows.append([setting, metric, system, against, float(exact), float(np.mean(bias)), *shares, len(sets)])
    return rows


def main() -> None:
    """Measure the coverage in every setting."""
    options = build_parser(__doc__).parse_args()
    sizes = Sizes(sets=2, recordings=5, resamples=10) if options.smoke else Sizes(500, 1000, 400)
    rows = [row for setting in SPREADS for row in measure(setting, sizes)]
    columns = ["setting", "metric", "system", "against", "true", "bias", "usual", "extended", "bootstrap", "data_sets"]
    write(options.output, columns, rows)


if __name__ == "__main__":
    main()
