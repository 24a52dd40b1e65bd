"""Tables of the page of results: those of the report, rounded, as HTML; whatever comes from files is escaped."""

import html
import json
from pathlib import PurePath

from softsed.report.display import THRESHOLDED, UNTHRESHOLDED
from softsed.report.display import format_interval as cell
from softsed.report.display import format_number as number

NO_AUDIO = '<span class="prior-mark">no audio</span>'
TEXT = ("System", "Against", "Threshold", "Labels by", "scene", "Software", "Version", "Run", "Fold", "Precision")
TEXT += ("Device", "File", "SHA-256")  # columns that are no numbers

# Columns of a table: heading, column, digits, and the column of its standard deviation, if there is one.
TABLE2 = [
    ("ER", "error_rate", 2, "error_rate_std"),
    ("F1 %", "f1_micro", 1, "f1_micro_std"),
    ("Macro F1 %", "f1_macro", 1, "f1_macro_std"),
    ("Classes detected", "classes_detected", 0, None),
    ("KLD in time", "kld_time", 2, None),
    ("KLD Bernoulli", "kld_bernoulli", 2, None),
    ("Paper: ER", "paper_error_rate", 2, None),
    ("Paper: F1 %", "paper_f1", 2, None),
    ("Paper: KLD", "paper_kld", 2, None),
]
TRUTH = [
    ("ER", "error_rate", 2, "error_rate_std"),
    ("F1 %", "f1_micro", 1, "f1_micro_std"),
    ("Macro F1 %", "f1_macro", 1, "f1_macro_std"),
    ("MSE", "mse", 3, "mse_std"),
    ("Classes detected", "classes_detected", 0, None),
]


def real(text: str) -> float | None:
    """Read a cell of a table of the report; None where it is empty."""
    return float(text) if text else None


def sortable(columns: list[str], rows: list[list[str]], priors: list[str]) -> str:
    """Write a table that `tables.js` sorts; a row with a prior in its first cell is marked."""
    kinds = [' class="text"' if column in TEXT else "" for column in columns]
    head = "".join(
        f'<th scope="col"{kind}>{html.escape(column)}</th>' for column, kind in zip(columns, kinds, strict=True)
    )
    body = []
    for row in rows:
        prior = row[0] in priors
        cells = [
            f"<td{kind}>{html.escape(text)}{NO_AUDIO if prior and place == 0 else ''}</td>"
            for place, (text, kind) in enumerate(zip(row, kinds, strict=True))
        ]
        body.append(('<tr class="prior">' if prior else "<tr>") + "".join(cells) + "</tr>")
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Table"><table class="sortable">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody></table></div>\n"
    )


def block(heading: str, text: str, *tables: str, opened: bool = False) -> str:
    """Put tables under a heading that folds."""
    return (
        f"<details{' open' if opened else ''}><summary><b>{html.escape(heading)}</b></summary>\n"
        f"<p>{html.escape(text)}</p>\n{''.join(tables)}</details>\n"
    )


def rounded(rows: list[dict[str, str]], keys: dict[str, str], columns: list[tuple], priors: list[str]) -> str:
    """Write a table of rounded numbers with their standard deviations, after the key columns (heading -> column)."""
    cells = [
        [
            *(row[key] for key in keys.values()),
            *(number(real(row[name]), digits, std=real(row[std]) if std else None) for _, name, digits, std in columns),
        ]
        for row in rows
    ]
    return sortable([*keys, *(column[0] for column in columns)], cells, priors)


def intervals(rows: list[dict[str, str]], keys: dict[str, str], value: str, priors: list[str]) -> list[str]:
    """Write scores with thresholds and scores without as two tables: a row a key, a column a score, with intervals."""
    found: dict[tuple, dict[str, str]] = {}
    for row in rows:
        numbers = {name: real(row[name]) for name in (value, "low", "high", "run_std") if name in row}
        key = tuple(row[name] for name in keys.values())
        for _, score, digits, _ in THRESHOLDED + UNTHRESHOLDED:
            if score == row["score"]:
                found.setdefault(key, {})[score] = cell(numbers, value, digits)
    tables = []
    for columns in (THRESHOLDED, UNTHRESHOLDED):
        scores = [score for _, score, *_ in columns]
        chosen = {key: row for key, row in found.items() if row.keys() & set(scores)}
        cells = [[*key, *(row.get(score, "") for score in scores)] for key, row in chosen.items()]
        tables.append(sortable([*keys, *(column[0] for column in columns)], cells, priors))
    return tables


def origin_block(origin: dict) -> str:
    """Write where the results come from, the content of `origin.json`: code, versions, trainings, hashes, config."""
    software = [["code", origin["commit"] or "not a git checkout"], *map(list, origin["versions"].items())]
    trainings = [
        [*PurePath(path).parts[-3:-1], PurePath(path).stem]
        + [str(made[key]) for key in ("seed", "precision")]
        + [str(made["made"][key]) for key in ("device", "threads")]
        for path, made in origin["trainings"].items()
    ]
    hashes = [
        [path, digest] for kind in ("data", "models", "metrics", "report") for path, digest in origin[kind].items()
    ]
    config = html.escape(json.dumps(origin["config"], indent=2))
    return block(
        "Where it comes from",
        "Commit and versions when the report was made, seed and device of every training, SHA-256 of labels, folds, "
        "index of features, models, metrics and tables, and the whole config; report/origin.json has the same.",
        sortable(["Software", "Version"], software, []),
        sortable(["System", "Run", "Fold", "Seed", "Precision", "Device", "Threads"], trainings, []),
        sortable(["File", "SHA-256"], hashes, []),
        '<details><summary>Config</summary><div class="wide" tabindex="0" role="region" aria-label="Config">'
        f"<pre>{config}</pre></div></details>\n",
    )


def write_tables(tables: dict[str, list[dict[str, str]]], origin: dict, priors: list[str]) -> str:
    """Write all tables.

    Parameters
    ----------
    tables : dict of list of dict
        Rows of the tables of the report: table1, table2, scores, differences, and truth where there is one.
    origin : dict
        Content of `origin.json`.
    priors : list of str
        Systems that never hear the audio: their rows are marked.

    Returns
    -------
    str
        HTML.
    """
    named = {"System": "system", "Threshold": "threshold"}
    table1 = sortable(list(tables["table1"][0]), [list(row.values()) for row in tables["table1"]], [])
    parts = [
        block(
            "Table 2: systems",
            "Mean over the runs; after ±, the standard deviation over the folds of all runs. The two kinds of "
            "threshold have different references: compare within one. Beside it what the paper reports for MAESTRO "
            "Real.",
            rounded(tables["table2"], named, TABLE2, priors),
            opened=True,
        ),
        block(
            "Scores with intervals",
            "After ±, the standard deviation over the runs, if there are several; in brackets, the 95 % interval over "
            "recordings and runs. Best macro F1 knows the best threshold of each class; "
            "mpAUC is the area under the ROC up to a false positive rate of 0.1; Brier score against hard, MSE against "
            "soft labels.",
            *intervals(tables["scores"], named, "value", priors),
        ),
        block(
            "Differences of systems",
            "On the same recordings: beyond chance where the interval is without 0. What other seeds would give is in "
            "it only where there are several runs. The difference to a prior is what a detector hears beyond knowing "
            "the scene or the recording.",
            *intervals(
                tables["differences"],
                {"System": "system", "Against": "against", "Threshold": "threshold"},
                "difference",
                priors,
            ),
        ),
    ]
    if "truth" in tables:
        text = "Labels and systems against the events that were really there, and whose labels a system learned from."
        keys = {"System": "system", "Labels by": "method", "Threshold": "threshold"}
        parts.append(block("Against the true events", text, rounded(tables["truth"], keys, TRUTH, priors)))
    text = "Event instances in the hard labels; -: the class was not asked in the scene."
    parts += [block("Table 1: data", text, table1), origin_block(origin)]
    return "".join(parts)
