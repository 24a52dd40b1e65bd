"""Markdown page of the intervals: systems with priors below them, skill over the priors, systems against each other."""

from softsed.report.markdown import grid, number

# Columns of each kind of threshold: heading, score, digits, and whether less of it is better.
THRESHOLDED = [("ER", "error_rate", 2, True), ("F1 %", "f1_micro", 1, False), ("Macro F1 %", "f1_macro", 1, False)]
UNTHRESHOLDED = [
    ("Best macro F1 %", "f1_best_macro", 1, False),
    ("mpAUC %", "mpauc", 1, False),
    ("Brier", "brier", 3, True),
    ("MSE", "mse", 3, True),
]
TOLD = ", scene told"  # after a threshold: nothing is detected of classes that were not asked in the scene
ONE_RUN = "none is marked, since with one run nobody knows what another seed would have given (`runs:` in the config)"
INTRODUCTION = """\
Mean over {runs} run(s); after ±, the standard deviation over the runs; in brackets, the 95 % interval: what other
recordings of the same scenes would give ({recordings} here, jackknife within scenes) and, where there are runs, other
seeds. What other training recordings or labels would change is not in it. Many intervals stand here, and one in twenty
misses: they are not corrected for their number.

- Threshold {fixed}: against the hard labels. Class-dependent: on the output and on the soft reference; a class without
  such a threshold does not count in that fold. The two have different references: compare within one.
- Macro F1 is a mean over the classes in the reference, with 0 for a class that is never detected. *Best* is at the
  threshold that suits each class best on the hard labels, chosen with their knowledge: it tells how well seconds are
  ranked, not what a detector reaches in use. mpAUC is the mean area under the receiver operating characteristic
  of each class up to a false positive rate of 0.1, as a share of the greatest possible one (a random order has 5 %,
  a constant 0). Both are over the seconds of all folds together, whose models need not have one scale; the priors have
  many equal scores, and that of a scene comes from the other recordings, so that in these two scores the priors look
  worse than what they know: compare detectors with one another.
- Brier score and MSE: mean squared difference of the output, clipped to 0..1, from the hard and from the soft labels,
  over the classes asked. A linear output and one trained on hard labels are no probabilities by construction;
  `reliability.png` shows what they are worth as such.
- Best macro F1 and mpAUC are those of sed_scores_eval (tests hold them equal). PSDS is not given: it matches events by
  how much of them is found, and hard labels of 1 s, made from opinions on windows of many seconds, have no such edges.
  Against true events, where they are known, it would apply; `softsed export` writes what sed_scores_eval needs for it.
- Classes that were not asked in a scene count as silent, and detecting one is a false alarm, also for systems (`mask:
  asked`) that are trained without them. *Scene told*: what was not asked is not detected.
- What the paper reports stands beside our numbers in `table2.md`; it gives no intervals.
- Where all this comes from (config, data, commit, versions, seeds, precision): `origin.json`.

**The priors never hear the audio.** Micro-averaged scores mostly reward recognising the scene; so do, in part, all
scores over seconds of different scenes. A detector hears events as far as it beats the priors.
"""


def cell(row: dict, value: str, digits: int) -> str:
    """Format a value of a row, its standard deviation over runs if there is one, its interval; empty if undefined."""
    if row[value] is None:
        return ""
    text = number(row[value], digits, std=row.get("run_std"), signed=value == "difference")
    return f"{text} [{number(row['low'], digits)}, {number(row['high'], digits)}]"


def table(found: dict, keys: list[tuple], columns: list[tuple], names: list[str], *, value: str) -> str:
    """Write a table, a row a key, (name, threshold); bold: better, of several runs, with an interval without 0."""
    rows = []
    for key, point in keys:
        cells = []
        for _, score, digits, less in columns:
            row = found[key, point, score]
            better = row["high"] is not None and (row["high"] < 0 if less else row["low"] > 0)
            text = cell(row, value, digits)
            cells.append(f"**{text}**" if value == "difference" and better and row["runs"] > 1 else text)
        labels = key if isinstance(key, tuple) else (key,)
        rows.append([*(f"`{label}`" for label in labels), *([point] if "Threshold" in names else []), *cells])
    return grid([*names, *(heading for heading, *_ in columns)], rows)


def intervals_page(scores: list[dict], differences: list[dict], priors: list[str], *, experiment: str) -> str:
    """Write the page.

    Parameters
    ----------
    scores, differences : list of dict
        Rows of the two tables of `intervals`; the first two thresholds are the fixed and the class-dependent one.
    priors : list of str
        Systems that never hear the audio; they come last in each table.
    experiment : str
        Name for the caption.
    """
    systems = sorted(dict.fromkeys(row["system"] for row in scores), key=lambda name: name in priors)
    *points, anything = dict.fromkeys(row["threshold"] for row in scores)
    told = [point for point in points if point.endswith(TOLD)]
    points = [point for point in points if point not in told]
    found = {(row["system"], row["threshold"], row["score"]): row for row in scores}
    gaps = {((row["system"], row["against"]), row["threshold"], row["score"]): row for row in differences}
    pairs = list(dict.fromkeys((row["system"], row["against"]) for row in differences))
    text = f"# How sure the results are ({experiment})\n\n" + INTRODUCTION.format(
        runs=max(row["runs"] for row in scores),
        recordings=scores[0]["recordings"],
        fixed=points[0],
    )
    text += "\n## Scores\n\n" + table(
        found, [(s, p) for s in systems for p in points], THRESHOLDED, ["System", "Threshold"], value="value"
    )
    text += table(found, [(s, anything) for s in systems], UNTHRESHOLDED, ["System"], value="value")
    text += "## Scores when the scene is told\n\n"
    text += table(found, [(s, p) for s in systems for p in told], THRESHOLDED, ["System", "Threshold"], value="value")
    sections = [(f"Skill over `{prior}`", [pair for pair in pairs if pair[1] == prior]) for prior in priors]
    sections.append(("Systems against each other", [pair for pair in pairs if pair[1] not in priors]))
    for heading, chosen in sections:
        if chosen:
            keys = [(pair, point) for pair in chosen for point in points + told]
            several = max(gaps[key]["runs"] for key in gaps if key[0] in chosen) > 1
            note = "bold: better, and the interval is without 0" if several else ONE_RUN
            text += f"## {heading}\n\nDifferences on the same recordings; {note}.\n\n"
            names = ["System", "Against", "Threshold"]
            keys = [(pair, point) for pair in chosen for point in points + told]
            text += table(gaps, keys, THRESHOLDED, names, value="difference")
            text += table(gaps, [(pair, anything) for pair in chosen], UNTHRESHOLDED, names[:2], value="difference")
    return text.rstrip("\n") + "\n"
