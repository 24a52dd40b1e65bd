"""Curves of the results page: class-wise F1 (Fig. 2) and the training histories."""

import numpy as np
import pandas as pd

from softsed.report.display import MOST_CLASSES, format_number, shorten


def list_curves(figure2: pd.DataFrame) -> list[str]:
    """List the curves of the table of Fig. 2: all columns beside class and instances."""
    return list(figure2.columns.drop(["class", "instances"]))


def reals(column: pd.Series) -> list[float | None]:
    """List the numbers of a column, with None for nan, which JSON does not have."""
    return [None if np.isnan(value) else value for value in column]


def curves(figure2: pd.DataFrame, training: pd.DataFrame) -> dict:
    """Arrange the tables of Fig. 2 and of the training histories for `curves.js`."""
    shown = figure2.head(MOST_CLASSES)  # the most frequent classes come first
    return {
        "figure2": {
            "classes": [shorten(name) for name in shown["class"]],
            "instances": list(shown["instances"]),
            "curves": {name: reals(shown[name]) for name in list_curves(shown)},
        },
        "training": {
            str(system): [
                {"train": reals(line["train_loss"]), "validation": reals(line["validation_loss"])}
                for _, line in rows.groupby(["run", "fold"], sort=False)
            ]
            for system, rows in training.groupby("system", sort=False)
        },
    }


def class_wise_rows(figure2: pd.DataFrame) -> list[dict]:
    """Format the table of Fig. 2 for the page, with all classes."""
    cells = {name: [format_number(value, 1) for value in figure2[name]] for name in list_curves(figure2)}
    return figure2.assign(**cells).to_dict("records")
