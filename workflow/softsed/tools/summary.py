"""Summary of the results of an experiment for the terminal: one table and the files to open.

The table has at most `MOST_ROWS` rows and `WIDTH` columns. All numbers are those of ``report/table2.tsv`` and
``report/differences.tsv``.
"""

import sys
from pathlib import Path

from softsed.core.errors import InputError
from softsed.core.options import build_parser
from softsed.core.tsv import read_number, read_table
from softsed.planning.choices import BASELINES

WIDTH = 80  # columns of a terminal
MOST_ROWS = 8
MOST_THRESHOLDS = 2  # 0.5 and class-dependent; others have a comma in their names
ORACLE = "recording_prior"
METRICS = {"error_rate": ".2f", "f1_micro": ".1f", "f1_macro": ".1f"}  # column of Table 2 -> format
CLASSES = ("classes_detected", "classes_in_reference")
HEADER = ("system", "threshold", "ER", "F1 %", "macro F1 %", "detected", "vs. best")
LEFT_ALIGNED = 2  # columns of text
GAP = "  "  # between columns
PATHS = {
    "results": ("page/index.html",),
    "crowd": ("labels/page.html",),
    "report": ("report.html", "report"),
}  # name -> files of the experiment, of which the first that exists is listed


def select_rows(rows: list[dict[str, str]]) -> list[tuple[dict[str, str], str]]:
    """Select the rows of the summary.

    Parameters
    ----------
    rows : list of dict
        Rows of Table 2.

    Returns
    -------
    list of (dict, str)
        Row, and name of the best baseline without audio at the same threshold (empty without baselines). The best
        baseline has the highest macro F1; its own row comes last at each threshold. The other rows are the systems
        with the highest macro F1, in the order of Table 2.
    """
    selected = []
    thresholds = [name for name in dict.fromkeys(row["threshold"] for row in rows) if "," not in name]
    for threshold in thresholds[:MOST_THRESHOLDS]:
        group = [row for row in rows if row["threshold"] == threshold]
        best = max((row for row in group if row["system"] in BASELINES), key=_macro_f1, default=None)
        systems = sorted((row for row in group if row["system"] not in BASELINES), key=_macro_f1, reverse=True)
        kept = systems[: MOST_ROWS // MOST_THRESHOLDS - 1]
        shown = [row for row in group if row in kept] + ([best] if best else [])
        selected += [(row, best["system"] if best else "") for row in shown]
    return selected


def _macro_f1(row: dict[str, str]) -> float:
    """Return the macro F1 of a row, -1 if it is not defined."""
    return read_number(row["f1_macro"] or "-1")


def format_number(text: str, form: str) -> str:
    """Format a number of a table; return "-" for an empty cell."""
    return format(read_number(text), form) if text else "-"


def format_row(row: dict[str, str], best: str, differences: dict[tuple[str, str, str], dict[str, str]]) -> list[str]:
    """Format a row from `select_rows` as cells of `HEADER`.

    Parameters
    ----------
    row : dict
        Row of Table 2.
    best : str
        Best baseline without audio.
    differences : dict of dict
        (system, baseline, threshold) -> row of the differences in macro F1.
    """
    name, threshold = row["system"], row["threshold"]
    detected = " of ".join(format_number(row[name], ".3g") for name in CLASSES)
    found = differences.get((name, best, threshold))
    against = "best " if name == best else "-"
    if found and found["difference"]:
        excludes_zero = found["low"] and found["high"] and read_number(found["low"]) * read_number(found["high"]) > 0
        against = format_number(found["difference"], "+.1f") + ("*" if excludes_zero else " ")
    metrics = [format_number(row[metric], form) for metric, form in METRICS.items()]
    return [name, threshold, *metrics, detected, against]


def align(rows: list[list[str]]) -> list[str]:
    """Join cells to aligned lines: text to the left, numbers to the right, long names shortened to fit `WIDTH`."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[0] -= max(sum(widths) + len(GAP) * (len(widths) - 1) - WIDTH, 0)
    lines = []
    for name, *others in rows:
        cells = [name if len(name) <= widths[0] else f"{name[: widths[0] - 3]}...", *others]
        aligned = [
            cell.ljust(width) if column < LEFT_ALIGNED else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append(GAP.join(aligned).rstrip())
    return lines


def describe(results: Path) -> str:
    """Summarise the results of an experiment.

    Parameters
    ----------
    results : Path
        Folder of the experiment.

    Returns
    -------
    str
        The table, notes on its columns, and the paths of the pages and of the report.

    Raises
    ------
    InputError
        If the folder contains no report.
    """
    path = results / "report/table2.tsv"
    if not path.exists():
        raise InputError(
            "the folder contains no report", file=results, remedy="Run the workflow first, such as `make demo`"
        )
    rows = select_rows(read_table(path, ("system", "threshold", *METRICS, *CLASSES)))
    columns = ("system", "against", "threshold", "metric", "difference", "low", "high")
    differences = {
        (row["system"], row["against"], row["threshold"]): row
        for row in read_table(results / "report/differences.tsv", columns)
        if row["metric"] == "f1_macro"
    }
    lines = [f"Results of {results.name}. Compare only rows with the same threshold.", ""]
    cells = [format_row(row, best, differences) for row, best in rows]
    lines += align([list(HEADER), *cells])
    lines += ["", "vs. best: macro F1 minus that of the best baseline without audio, in percentage"]
    lines += ["          points."]
    if any(row[-1].endswith("*") for row in cells):
        lines[-1] += " * marks a difference whose 95 % interval does not contain 0."
    if any(best == ORACLE for _, best in rows):
        lines += [f"          {ORACLE} uses the labels of the test recordings."]
    lines += [""]
    for name, files in PATHS.items():
        found = [results / file for file in files if (results / file).exists()]
        lines += [f"{name + ':':9}{found[0]}"] if found else []
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Summarise the results of an experiment in one table, with the files to open."""
    parser = build_parser("summary", main, example="results/demo")
    parser.add_argument("results", type=Path, help="folder of the experiment")
    sys.stdout.write(describe(parser.parse_args(argv).results) + "\n")
