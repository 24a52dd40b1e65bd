"""Rows of the first tables of the results page: systems and baselines without audio at each kind of threshold."""

import pandas as pd

from softsed.core.thresholds import ALL_CLASSES
from softsed.report.display import format_interval

MACRO_F1 = "f1_macro"
BEST = "best baseline"


def compare(table2: pd.DataFrame, differences: pd.DataFrame, priors: list[str], shown: list[dict]) -> list[dict]:
    """Group the rows of Table 2 by threshold, with the difference in macro F1 from the best baseline without audio.

    Parameters
    ----------
    table2 : DataFrame
        Table 2, with numbers.
    differences : DataFrame
        Differences of `softsed.report.intervals`.
    priors : list of str
        Baselines without audio. The best baseline has the highest macro F1 at the same threshold.
    shown : list of dict
        Rows of Table 2 as text, in the same order.

    Returns
    -------
    list of dict
        threshold, and rows: those of `shown` at this threshold, with the key ``beyond``. The threshold of all classes
        is left out.
    """
    gaps = differences[differences["metric"] == MACRO_F1]
    gaps = {(row["system"], row["against"], row["threshold"]): row for row in gaps.to_dict("records")}
    parts = []
    for threshold in table2.loc[table2["threshold"] != ALL_CLASSES, "threshold"].unique():
        rows = table2[table2["threshold"] == threshold]
        baselines = rows[rows["system"].isin(priors)].set_index("system")[MACRO_F1].dropna()
        best = baselines.idxmax() if len(baselines) else None
        part = []
        for place in table2.index.get_indexer(rows.index):
            system = shown[place]["system"]
            gap = gaps.get((system, best, threshold))
            beyond = format_interval(gap, "difference", 1) if gap else BEST if system == best else ""
            part.append(shown[place] | {"beyond": beyond})
        parts.append({"threshold": threshold, "rows": part})
    return parts
