"""The page of results: tables that sort, curves, and recordings to look at and listen to, with thresholds to move.

One file of HTML with everything in it but sound and pictures (`media`), which lie beside it in a folder: numbers and
scripts weigh a few MB at most, the sound of 75 recordings of four minutes 90 MB. It is opened as a file, hence without
`fetch`, which browsers refuse there; sound and pictures load as elements of the page.

Scores and labels are in it as whole millionths, the six digits of the files, deflated: the page compares them with
thresholds as Python does, so that its error rate and F1 are those of `segments`.
"""

import argparse
import base64
import json
import re
import zlib
from pathlib import Path

import numpy as np

from softsed.core.thresholds import trimmed_midrange
from softsed.core.tsv import read_table
from softsed.evaluate.inputs import read_inputs, scores_of_run
from softsed.report.page.tables import real, write_tables

MICRO = 1_000_000
NOT_ASKED = -1  # of a soft label, which lies in 0..MICRO otherwise

Tested = dict[str, tuple[dict[str, np.ndarray], list[str]]]  # fold -> scores by recording, training recordings


def pack(matrices: list[np.ndarray]) -> str:
    """Pack matrices [seconds, classes] of values with at most six decimals, class by class over all of them.

    Returns
    -------
    str
        Base64 of the deflated 32-bit whole numbers, in millionths; nan becomes `NOT_ASKED`.
    """
    values = np.concatenate(matrices).T
    whole = np.where(np.isnan(values), NOT_ASKED, np.round(np.nan_to_num(values) * MICRO)).astype("<i4")
    return base64.b64encode(zlib.compress(whole.tobytes(), 9)).decode("ascii")


def whole_thresholds(thresholds: np.ndarray) -> list[int | None]:
    """Turn thresholds into millionths that the same values exceed; None for nan, which nothing exceeds."""
    nearest = np.round(np.nan_to_num(thresholds) * MICRO)
    below = nearest - (nearest / MICRO > thresholds)
    return [None if np.isnan(t) else int(k) for t, k in zip(thresholds, below, strict=True)]


def numbers(
    systems: dict[str, Tested],
    soft: dict[str, np.ndarray],
    hard: dict[str, np.ndarray],
    scene_of: dict[str, str],
    config: dict,
) -> dict:
    """Collect what the page computes with: recordings, labels, scores and thresholds.

    Parameters
    ----------
    systems : dict
        For each system and fold the scores of the test recordings, ndarray [seconds, classes], and the training ones.
    soft, hard : dict of ndarray [seconds, classes]
        Labels of each recording: floats with nan where not asked, and bool.
    scene_of : dict of str
        Of each recording.
    config : dict
        threshold (0..1) and trim (percent).

    Returns
    -------
    dict
        As `scoring.js` reads it, JSON.
    """
    folds = next(iter(systems.values()))
    recordings, start = [], 0
    for place, (scores, _) in enumerate(folds.values()):
        for name in scores:
            seconds = len(soft[name])
            recordings.append(
                {"name": name, "scene": scene_of[name], "fold": place, "start": start, "seconds": seconds}
            )
            start += seconds
    order = [row["name"] for row in recordings]
    midrange = [trimmed_midrange([soft[name] for name in training], config["trim"]) for _, training in folds.values()]
    outputs = {
        system: {name: values for scores, _ in tested.values() for name, values in scores.items()}
        for system, tested in systems.items()
    }
    return {
        "folds": list(folds),
        "recordings": recordings,
        "seconds": start,
        "fixed": whole_thresholds(np.array([config["threshold"]]))[0],
        "midrange": [whole_thresholds(row) for row in midrange],
        "soft": pack([soft[name] for name in order]),
        "hard": pack([hard[name] / MICRO for name in order]),  # 0 and 1
        "systems": list(systems),
        "scores": {system: pack([found[name] for name in order]) for system, found in outputs.items()},
    }


def curves(figure2: list[dict[str, str]], training: list[dict[str, str]]) -> dict:
    """Arrange the tables of Fig. 2 and of the training histories for `curves.js`."""
    names = [column for column in figure2[0] if column not in ("class", "instances")]
    trainings: dict[str, dict[tuple, dict[str, list]]] = {}
    for row in training:
        lines = trainings.setdefault(row["system"], {})
        line = lines.setdefault((row["run"], row["fold"]), {"train": [], "validation": []})
        for kind, values in line.items():
            values.append(real(row[f"{kind}_loss"]))
    return {
        "figure2": {
            "classes": [row["class"] for row in figure2],
            "instances": [row["instances"] for row in figure2],
            "curves": {name: [real(row[name]) for row in figure2] for name in names},
        },
        "training": {system: list(lines.values()) for system, lines in trainings.items()},
    }


def page(assets: list[Path], title: str, tables: str, data: dict) -> str:
    """Put the page together: the template, and in it styles and scripts in the order given, tables (HTML) and data.

    No text of the data can end the script element it stands in: JSON may write < as an escape.
    """
    read = {path: path.read_text(encoding="utf-8") for path in assets}
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "title": title.replace("&", "&amp;").replace("<", "&lt;"),
        "styles": "\n".join(content for path, content in read.items() if path.suffix == ".css"),
        "scripts": "\n".join(content for path, content in read.items() if path.suffix == ".js"),
        "tables": tables,
        "data": text,
    }
    (template,) = (content for path, content in read.items() if path.suffix == ".html")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)  # once: what is filled in is left alone


def main(argv: list[str] | None = None) -> None:
    """Make the page of results."""
    parser = argparse.ArgumentParser(prog="softsed report.page.build", description=main.__doc__)
    parser.add_argument("--predictions", type=Path, required=True, help="folder of SYSTEM/run1/FOLD.tsv, scores")
    parser.add_argument("--systems", nargs="+", required=True, help="which of them, priors last")
    parser.add_argument("--priors", nargs="*", default=[], help="those of the systems that never hear the audio")
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="lists of the folds")
    parser.add_argument("--soft", type=Path, required=True, help="soft labels")
    parser.add_argument("--hard", type=Path, required=True, help="hard labels")
    parser.add_argument("--classes", type=Path, required=True, help="table of classes")
    parser.add_argument("--config", type=json.loads, required=True, help="section `evaluate` as JSON")
    parser.add_argument(
        "--tables", type=Path, nargs="+", required=True, help="table1, table2, scores, ... of the report"
    )
    parser.add_argument("--origin", type=Path, required=True, help="where the results come from, JSON")
    parser.add_argument("--figure2", type=Path, required=True, help="table of Fig. 2")
    parser.add_argument("--training", type=Path, required=True, help="table of training histories")
    parser.add_argument("--assets", type=Path, nargs="+", required=True, help="template, styles and scripts, in order")
    parser.add_argument("--experiment", required=True, help="name for the heading")
    parser.add_argument("--page", type=Path, required=True, help="page, written")
    options = parser.parse_args(argv)
    listed = [row for path in options.folds for row in read_table(path, ("recording", "scene"))]
    files = {"soft": options.soft, "hard": options.hard, "classes": options.classes}
    scored = {
        system: read_inputs(
            scores_of_run(options.predictions, system, 1, options.folds),
            options.folds,
            **files,
            wanted=options.config["classes"],
        )
        for system in options.systems
    }
    classes, _, soft, hard = next(iter(scored.values()))
    systems = {system: found.folds for system, found in scored.items()}
    data = {
        "classes": classes,
        "priors": options.priors,
        **numbers(systems, soft, hard, {row["recording"]: row["scene"] for row in listed}, options.config),
        **curves(read_table(options.figure2, ("class", "instances")), read_table(options.training, ("system", "fold"))),
    }
    origin = json.loads(options.origin.read_text(encoding="utf-8"))
    tables = write_tables({path.stem: read_table(path, ()) for path in options.tables}, origin, options.priors)
    options.page.write_text(
        page(options.assets, f"Results of {options.experiment}", tables, data), encoding="utf-8", newline="\n"
    )
