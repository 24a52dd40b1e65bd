"""Largest accepted differences between soft labels of the demo and published labels, shared by several tests."""

from softsed.report.label_statistics import read_reference
from support.project import ROOT

# Mean over several crowds; one crowd may differ twice as much. The largest tolerances are where the simulation differs:
# published labels are closer to zero where a class is inaudible, and they change faster.
TOLERANCES = {
    "nonzero": 0.01,
    "below_0.05": 0.06,
    "from_0.2_to_0.8": 0.03,
    "above_0.5": 0.03,
    "above_0.95": 0.003,
    "quantile_0.05": 0.025,
    "quantile_0.1": 0.035,
    "quantile_0.25": 0.03,
    "quantile_0.5": 0.03,
    "quantile_0.75": 0.03,
    "quantile_0.9": 0.04,
    "quantile_0.95": 0.04,
    "edge_quantile_0.05": 0.02,
    "autocorrelation_1s": 0.06,
    "autocorrelation_2s": 0.1,
    "autocorrelation_5s": 0.12,
    "autocorrelation_10s": 0.12,
    "autocorrelation_20s": 0.08,
    "variance_between_recordings": 0.05,
}


def check_likeness(found: dict[tuple[str, str], float], *, crowds: int) -> None:
    """Compare statistics of the demo with the published ones, autocorrelation on pieces of 60 s."""
    published = read_reference(ROOT / "workflow" / "resources" / "published_labels.tsv")
    for name, tolerance in TOLERANCES.items():
        key = name, "pieces of 60 s" if name.startswith("autocorrelation") else "recordings"
        off = found[key] - published[key]
        assert abs(off) < tolerance * (2 if crowds == 1 else 1), f"{key}: {found[key]:.3f}, {off:+.3f} off"
