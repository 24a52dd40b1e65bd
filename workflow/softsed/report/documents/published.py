"""Published systems beside those of an experiment on MAESTRO Real, with the metrics of DCASE 2023 Task 4B."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from softsed.report.display import BEST, THRESHOLDED, Metric
from softsed.report.documents.columns import code_column, number_column, text_frame
from softsed.report.tables import read_frame

PAPER_SOURCE = "maestro_real"  # the source of the recordings whose metrics are compared with published metrics
# Metrics by their official name, with the published digits.
OFFICIAL: dict[str, Metric] = {
    name: metric._replace(digits=digits)
    for name, metric, digits in zip(("ER_m", "F1_m", "F1_M", "F1_MO"), (*THRESHOLDED, BEST), (3, 2, 2, 2), strict=True)
}
METRICS = [metric.name for metric in OFFICIAL.values()]
COLUMNS = ("system", "threshold", "recordings", *METRICS, "source", "address")


def read_published(path: Path, source: str) -> pd.DataFrame:
    """Read ``published_systems.tsv`` as text; without rows if the recordings are not those of MAESTRO Real."""
    published = read_frame(path, text=COLUMNS)
    return published if source == PAPER_SOURCE else published.iloc[:0]


def official_table(systems: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Build the table of systems of the experiment and published systems, without metrics that none of them has.

    Parameters
    ----------
    systems : DataFrame
        Columns: system, recordings, and `METRICS`.
    published : DataFrame of str
        Rows of `read_published`, whose numbers are shown with the published digits.
    """
    links = [f"[{row['source']}]({row['address']})" for row in published.to_dict("records")]
    columns: list[tuple[str, Iterable[str]]] = [
        ("System", [*code_column(systems["system"]), *published["system"]]),
        ("Recordings", [*number_column(systems, "recordings", 0), *published["recordings"]]),
    ]
    for metric in OFFICIAL.values():
        cells = [*number_column(systems, metric.name, metric.digits), *published[metric.name]]
        columns += [(metric.heading, cells)] if any(cells) else []
    columns += [("Source", ["this experiment"] * len(systems) + links)] if links else []
    return text_frame(columns)
