"""Build the results page: sortable tables, curves, and recordings with sound and movable thresholds.

The page is one HTML file of a few MB. Sound and pictures (`media`) are in a folder beside the page, because the sound
of 75 recordings of four minutes takes 90 MB. Browsers refuse `fetch` for pages that are opened as files, so the page
loads sound and pictures as elements.

Scores and labels are stored as whole millionths, the six digits of the files, deflated. The page therefore compares
them with thresholds exactly as Python does, and its error rate and F1 equal those of `softsed.evaluate.segments`.
"""

import base64
import json
import zlib
from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from softsed.core.html import render
from softsed.core.metadata import file_stem
from softsed.core.options import add_options, build_parser
from softsed.core.thresholds import ALL_CLASSES, MIDRANGE, trimmed_midrange
from softsed.evaluate.inputs import read_inputs, scores_of_run
from softsed.features.recorded import Recorded, describe
from softsed.report.display import (
    AGAINST_TRUTH,
    BEST,
    MPAUC,
    THRESHOLDED,
    UNTHRESHOLDED,
    WITHIN,
    Metric,
    format_interval,
    format_number,
    format_share,
    select_metrics,
)
from softsed.report.page.comparison import compare
from softsed.report.page.curves import class_wise_rows, curves, list_curves
from softsed.report.tables import arrange_by_class, read_frame, read_metrics_table

EXAMPLE = """\
--predictions results/demo/predictions --systems S_MSE_lin scene_prior --priors scene_prior
      --folds results/demo/folds/fold1.tsv --soft results/demo/labels/eq1/soft.tsv
      --hard results/demo/labels/eq1/hard.tsv --classes workflow/resources/classes.tsv
      --config '{"classes": "all", "threshold": 0.5, "trim": 10}'
      --tables results/demo/report/table1.tsv results/demo/report/table2.tsv results/demo/report/intervals.tsv
      results/demo/report/differences.tsv --origin results/demo/report/origin.json
      --figure2 results/demo/report/figure2.tsv --training results/demo/report/training.tsv
      --audio results/demo/features/audio.tsv --f-max 14000
      --templates workflow/softsed/report/page/templates/index.html.j2 workflow/softsed/report/page/templates/*
      workflow/softsed/report/templates/* workflow/softsed/core/templates/*
      --assets workflow/softsed/report/page/assets/*.*
      workflow/softsed/report/page/assets/vendor/*.min.*
      --experiment demo --page results/demo/page/index.html"""
MICRO = 1_000_000
NOT_LABELLED = -1  # soft label and score of a cell without a label; all other soft labels are in 0..MICRO
# Numbers of classes in the tables, each shown out of the number in another column.
SHARES = {
    "classes_detected": "classes_in_reference",
    "other_classes_detected": "other_classes",
    "without_hard_labels_detected": "without_hard_labels",
}
# Digits after the point of the numbers in the tables.
DIGITS = {metric.name: metric.digits for metric in THRESHOLDED + UNTHRESHOLDED}
DIGITS |= {"kld_time_soft": 2, "kld_bernoulli_soft": 2}
DIGITS |= {"paper_error_rate": 2, "paper_f1": 2, "paper_kld": 2}

FoldScores = dict[str, tuple[dict[str, np.ndarray], list[str]]]  # fold -> scores by recording, training recordings


def pack(matrices: list[np.ndarray]) -> str:
    """Pack matrices [seconds, classes] of values with at most six decimals, class by class over all matrices.

    Returns
    -------
    str
        Base64 of the deflated 32-bit whole numbers, in millionths; nan becomes `NOT_LABELLED`.
    """
    values = np.concatenate(matrices).T
    whole = np.where(np.isnan(values), NOT_LABELLED, np.round(np.nan_to_num(values) * MICRO)).astype("<i4")
    return base64.b64encode(zlib.compress(whole.tobytes(), 9)).decode("ascii")


def whole_thresholds(thresholds: np.ndarray) -> list[int | None]:
    """Convert thresholds to millionths that the same values exceed; None for nan, which no value exceeds."""
    nearest = np.round(np.nan_to_num(thresholds) * MICRO)
    below = nearest - (nearest / MICRO > thresholds)
    return [None if np.isnan(t) else int(k) for t, k in zip(thresholds, below, strict=True)]


def numbers(
    systems: dict[str, FoldScores],
    soft: dict[str, np.ndarray],
    hard: dict[str, np.ndarray],
    scene_of: dict[str, str],
    config: dict,
) -> dict:
    """Collect the numbers that the page computes with: recordings, labels, scores and thresholds.

    Parameters
    ----------
    systems : dict
        For each system and fold the scores of the test recordings, ndarray [seconds, classes], and the names of the
        training recordings.
    soft, hard : dict of ndarray [seconds, classes]
        Labels of each recording: floats with nan where the class was not annotated, and bool.
    scene_of : dict of str
        Scene of each recording.
    config : dict
        threshold (0..1) and trim (percent).

    Returns
    -------
    dict
        Content for `scoring.js`, ready for JSON.
    """
    folds = next(iter(systems.values()))
    recordings, start = [], 0
    for place, (scores, _) in enumerate(folds.values()):
        for name in scores:
            seconds = len(soft[name])
            recordings.append(
                {"name": name, "scene": scene_of[name], "fold": place, "start": start, "seconds": seconds}
                | {"file": file_stem(name)}
            )
            start += seconds
    order = [name for scores, _ in folds.values() for name in scores]
    midrange = [trimmed_midrange([soft[name] for name in training], config["trim"]) for _, training in folds.values()]
    outputs = {
        system: {name: values for scores, _ in by_fold.values() for name, values in scores.items()}
        for system, by_fold in systems.items()
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


def rounded(table: pd.DataFrame) -> list[dict]:
    """Round the columns of `DIGITS`, each with the standard deviation of its column `_std`, and format `SHARES`."""
    shown = table.copy()
    for part, whole in SHARES.items():
        if part in table:
            shown[part] = [format_share(*pair) for pair in zip(table[part], table[whole], strict=True)]
    for column in table.columns.intersection(list(DIGITS)):
        spread = table.get(f"{column}_std", pd.Series(np.nan, table.index))
        shown[column] = [
            format_number(value, DIGITS[column], std=std) for value, std in zip(table[column], spread, strict=True)
        ]
    return shown.to_dict("records")


def intervals(table: pd.DataFrame, value: str, metrics: list[Metric]) -> list[dict]:
    """Make one row per system and threshold and one column per metric of "value ± std [low, high]".

    Parameters
    ----------
    table : DataFrame
        Table of `softsed.report.intervals`.
    value : str
        Column of the value: "value", or "difference", which always has a sign.
    metrics : list of Metric
        Metrics to show, with their references.
    """
    table = select_metrics(table, metrics)
    keys = [name for name in ("system", "against", "threshold") if name in table]
    filled = table.assign(cell=[format_interval(row, value, DIGITS[row["metric"]]) for row in table.to_dict("records")])
    wide = filled.pivot_table(index=keys, columns="metric", values="cell", aggfunc="first", sort=False)
    return wide.fillna("").reindex(columns=list(DIGITS), fill_value="").reset_index().to_dict("records")


def origin_tables(origin: dict) -> dict[str, list[dict]]:
    """Arrange the content of `origin.json` as tables: software, trainings, hashes."""
    trainings = [
        dict(zip(("system", "run", "fold"), [*PurePath(path).parts[-3:-1], PurePath(path).stem], strict=True))
        | {"seed": training["seed"], "precision": training["precision"]}
        | {key: training["made"][key] for key in ("device", "threads")}
        for path, training in origin["trainings"].items()
    ]
    hashes = {path: digest for kind in ("data", "models", "metrics", "report") for path, digest in origin[kind].items()}
    return {
        "software": [{"software": name, "version": version} for name, version in origin["versions"].items()],
        "trainings": trainings,
        "hashes": [{"file": path, "sha256": digest} for path, digest in hashes.items()],
    }


def describe_formats(path: Path, f_max: float) -> list[str]:
    """Describe problems of the recording formats in a table, as the step `features` does."""
    rows = read_frame(path, text=("recording",), numbers=("sample_rate", "channels_cancel"))
    return describe([Recorded(name, int(rate), cancels == 1) for name, rate, cancels in rows.to_numpy()], f_max)


def main(argv: list[str] | None = None) -> None:
    """Build the results page."""
    parser = build_parser("report.page.build", main, example=EXAMPLE)
    add_options(parser, "predictions", "folds", "soft", "hard", "classes", "experiment", "priors")
    add_options(parser, config="section `evaluate` of the config, as JSON (classes, threshold, trim)")
    parser.add_argument("--systems", nargs="+", required=True, help="systems to show, baselines without audio last")
    parser.add_argument(
        "--tables",
        type=Path,
        nargs="+",
        required=True,
        help="tables of the report: table1, table2, intervals, differences and, with a ground truth, truth (.tsv)",
    )
    parser.add_argument("--origin", type=Path, required=True, help="origin of the results (origin.json)")
    parser.add_argument("--figure2", type=Path, required=True, help="table of Fig. 2")
    parser.add_argument("--training", type=Path, required=True, help="table of training histories")
    help_text = "formats of the recordings (recording, sample_rate, channels_cancel)"
    parser.add_argument("--audio", type=Path, required=True, help=help_text)
    parser.add_argument("--f-max", type=float, required=True, help="highest frequency of the features, in Hz")
    parser.add_argument("--templates", type=Path, nargs="+", required=True, help="templates, that of the page first")
    parser.add_argument("--assets", type=Path, nargs="+", required=True, help="styles and scripts of the page")
    parser.add_argument("--page", type=Path, required=True, help="HTML page to write")
    options = parser.parse_args(argv)
    folds = pd.concat([read_frame(path, text=("recording", "scene")) for path in options.folds])
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
    training = read_frame(options.training, text=("system", "run", "fold"), numbers=("train_loss", "validation_loss"))
    figure2 = read_frame(options.figure2, text=("class", "instances"), numbers=None)
    data = {
        "classes": classes,
        "priors": options.priors,
        **numbers(systems, soft, hard, dict(zip(folds["recording"], folds["scene"], strict=True)), options.config),
        **curves(figure2, training),
    }
    files = {path.stem: path for path in options.tables}
    table1 = arrange_by_class(read_frame(files.pop("table1"), text=("scene",)))
    tables = {name: read_metrics_table(path) for name, path in files.items()}
    table2 = rounded(tables["table2"])
    origin = json.loads(options.origin.read_text(encoding="utf-8"))
    page = render(
        options.templates,
        assets={path.name: path.read_text(encoding="utf-8") for path in options.assets},
        experiment=options.experiment,
        warnings=describe_formats(options.audio, options.f_max),
        priors=options.priors,
        several_runs=len(set(training["run"])) > 1,
        threshold=f"{options.config['threshold']:g}",
        data=data,
        thresholded=[metric[:2] for metric in THRESHOLDED],
        unthresholded=[metric[:2] for metric in UNTHRESHOLDED],
        ranking=[metric[:2] for metric in (BEST, MPAUC, WITHIN)],
        against_truth=[metric[:2] for metric in AGAINST_TRUTH],
        class_dependent=(MIDRANGE, ALL_CLASSES),
        class_wise_columns=[(name, name) for name in list_curves(figure2)],
        class_wise=class_wise_rows(figure2),
        table1_columns=[(name, name) for name in table1],
        table1=table1.to_dict("records"),
        comparison=compare(tables["table2"], tables["differences"], options.priors, table2),
        table2=table2,
        metrics=intervals(tables["intervals"], "value", THRESHOLDED + UNTHRESHOLDED),
        differences=intervals(tables["differences"], "difference", THRESHOLDED + UNTHRESHOLDED),
        truth_differences=intervals(tables["differences"], "difference", AGAINST_TRUTH),
        truth=rounded(tables["truth"]) if "truth" in tables else [],
        truth_once=rounded(tables["truth"].drop_duplicates(["system", "method"])) if "truth" in tables else [],
        origin=origin,
        config=json.dumps(origin["config"], indent=2),
        **origin_tables(origin),
    )
    options.page.write_text(page, encoding="utf-8", newline="\n")
