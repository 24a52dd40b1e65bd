"""Windows of opinions at the end of their recordings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from softsed.core.errors import count
from softsed.core.text.last_second import cut_offsets

if TYPE_CHECKING:
    from softsed.core.opinions import OpinionTable


def cut_windows(table: "OpinionTable", lengths: Mapping[str, float] | None = None) -> tuple["OpinionTable", str]:
    """Cut windows at the end of their recordings to whole seconds; leave out windows without a whole second.

    Parameters
    ----------
    table : OpinionTable
    lengths : mapping of float, optional
        Recording to its length in seconds. Windows of recordings that are missing or have the length 0 are not cut. By
        default, a recording of 1 s or more ends with its last window.

    Returns
    -------
    table : OpinionTable
    note : str
        Number of windows that are cut or left out, and the line of the first one; empty without such windows.

    Raises
    ------
    InputError
        If no window has a whole second.
    """
    (spans, span), (onset, offset) = table.spans, table.times
    if lengths is None:
        lengths = {}
        for (name, _, _), end_s in zip(spans, offset.tolist(), strict=True):
            lengths[name] = max(lengths.get(name, 0), end_s if end_s >= 1 else 0)
    end = cut_offsets(offset, np.array([lengths.get(name) or np.nan for name, _, _ in spans]))
    cut = (end != offset) & ~np.isnan(offset)
    if not cut.any():
        return table, ""
    empty = cut & (onset < offset) & (end <= onset)
    kept = np.flatnonzero(~empty[span]).tolist()
    first = int(cut[span].argmax())
    name, start, stop = spans[span[first]]
    if not kept:
        problem = f"the window from {start!r} to {stop!r} contains no whole second of the recording {name!r}"
        raise table.error(first, problem, expected="opinions about whole seconds of the recordings")
    ends = count(
        int(cut.sum()),
        f"of {len(cut)} windows ends in or after the last, partial second of its recording and is",
        f"of {len(cut)} windows end in or after the last, partial second of their recordings and are",
    )
    note = f"{ends} cut to whole seconds. The first one is in line {table.lines[first]}: "
    note += f"{start} to {stop} s of {name!r} becomes {start} to {end[span[first]]:.0f} s"
    what = count(int(empty.sum()), "window has no whole second and is", "windows have no whole second and are")
    note += f". {what} left out" if empty.any() else ""
    texts = [str(int(whole)) if cut[index] else spans[index][2] for index, whole in enumerate(np.nan_to_num(end))]
    columns = {key: [values[row] for row in kept] for key, values in table.columns.items()}
    columns["offset"] = [texts[index] for index in span[kept].tolist()]
    return replace(table, columns=columns, lines=[table.lines[row] for row in kept]), note
