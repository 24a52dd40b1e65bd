"""Markdown pages of Tables 1 and 2: rounded as in the paper, its numbers beside ours, and in words what differs."""

from softsed.core.thresholds import MIDRANGE

PUBLISHED = "maestro_real"  # the experiment that the paper's numbers belong to
PAPER_RECORDINGS = 75  # Table 1
PRIORS = """\
## What scores without hearing the audio

These rows belong to no detector. They give every second of a recording the same scores, whatever is heard in it:

- `scene_prior`: the mean soft label of the scene over the training and validation recordings of the fold. It needs
  the name of the scene, nothing else.
- `recording_prior`: the mean soft label of the test recording itself. This is an **oracle**: it has seen the labels it
  is tested on. It shows how far knowing the recording gets without any knowledge of time.

A detector has learned to hear events in time only as far as it does better than these rows. On MAESTRO Real,
`scene_prior` comes close to the published micro-averaged scores at threshold 0.5: those alone say little.

"""


def grid(columns: list[str], rows: list[list[str]]) -> str:
    """Format a Markdown table: first column to the left, all others to the right."""
    lines = [columns, [":--"] + ["--:"] * (len(columns) - 1), *rows]
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]  # names of classes may have one
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def table1_page(rows: list[dict], paper: list[dict], *, experiment: str) -> str:
    """Write the page of Table 1: the data of the experiment, then the table of the paper.

    Parameters
    ----------
    rows, paper : list of dict
        scene, one column a class, files and minutes; the last row is the total.
    experiment : str
        Name for the caption.
    """
    total = rows[-1]
    if experiment == PUBLISHED:
        relation = (
            "They are the part of MAESTRO Real whose labels are public, so the counts are lower than the paper's."
        )
    else:
        relation = "These are not the paper's recordings: the counts of the two tables are not comparable."
    parts = [
        "# Table 1. Data\n\n"
        "Event instances according to the hard labels (contiguous seconds above the threshold), number and duration of "
        'the recordings. "-": the class was not asked in the scene.\n\n'
        f"## This experiment ({experiment}): {total['files']} recordings\n\n{relation}\n\n",
        f"## Published, {paper[-1]['files']} recordings (Table 1 of the paper)\n\n",
    ]
    for i, table in enumerate((rows, paper)):
        parts[i] += grid(list(table[0]), [[str(value) for value in row.values()] for row in table])
    return "".join(parts).rstrip("\n") + "\n"


def number(value: float | None, digits: int, *, std: float | None = None, signed: bool = False) -> str:
    """Format a value, always with its sign if `signed`, and its standard deviation if there is one; "" for None."""
    if value is None:
        return ""
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text if std is None else f"{text} ± {std:.{digits}f}"


def published(value: float | None, paper: float | None, digits: int, *, compare: bool) -> list[str]:
    """Format the paper's value and, if the two are comparable, the difference ours - paper; empty where missing."""
    missing = value is None or paper is None
    return [number(paper, digits)] + ["" if missing else f"{value - paper:+.{digits}f}"] * compare


def table2_page(rows: list[dict], metrics: list[dict], *, experiment: str) -> str:
    """Write the page of Table 2.

    Parameters
    ----------
    rows : list of dict
        Columns of table2.tsv, one row a system and operating point.
    metrics : list of dict
        Content of one metrics file a system, for the caption and to tell priors (loss none) from detectors; all come
        from the same folds and labels, so that the thresholds of the first are those of all.
    experiment : str
        Name for the caption. Differences from the paper are given for maestro_real only.
    """
    compare = experiment == PUBLISHED
    priors = {found["system"] for found in metrics if found["loss"] == "none"}
    data = metrics[0]
    folds = len(data["folds"])
    detectors = [row for row in rows if row["system"] not in priors]
    runs = max(row["runs"] for row in detectors or rows)

    def cells(row: dict, *, paper: bool) -> list[str]:
        def other(name: str, column: str, digits: int) -> list[str]:
            return published(row[name], row[column], digits, compare=compare) if paper else []

        return [
            *(f"`{row['system']}`", row["threshold"]),
            number(row["error_rate"], 2, std=row["error_rate_std"]),
            *other("error_rate", "paper_error_rate", 2),
            number(row["f1_micro"], 2, std=row["f1_micro_std"]),
            *other("f1_micro", "paper_f1", 2),
            number(row["f1_macro"], 2, std=row["f1_macro_std"]),
            f"{row['classes_detected']:.3g} of {row['classes_evaluated']}",
            number(row["kld_time"], 3),
            *other("kld_time", "paper_kld", 3),
            number(row["kld_bernoulli"], 3),
            "" if row["kld_time"] is None else row["kld_reference"],
        ]

    def header(*, paper: bool) -> list[str]:
        other = (["paper", "difference"] if compare else ["paper (MAESTRO Real)"]) if paper else []
        return [
            *("System", "Threshold", "ER", *other, "F1 %", *other, "Macro F1 %", "Classes detected"),
            *("KLD (time)", *other, "KLD (Bernoulli)", "KLD reference"),
        ]

    if compare:
        relation = (
            f"The paper has {PAPER_RECORDINGS} recordings. The labels of its evaluation part are not public, so that "
            f"nobody outside can compute the same numbers; here are {data['recordings']}, on other folds."
        )
    else:
        relation = (
            f"**The paper's columns are MAESTRO Real's and not comparable**: `{experiment}` has other data. They stand "
            "here to show the layout; no differences are given."
        )
    thresholds = data["thresholds"][MIDRANGE].items()
    missing = {fold: [f"`{name}`" for name, value in found.items() if value is None] for fold, found in thresholds}
    untested = "; ".join(f"{fold}: {', '.join(names)}" for fold, names in missing.items() if names)
    if untested:
        untested = (
            "- Classes without any positive training label have no class-dependent threshold: neither their reference "
            f"nor their output counts at it in these folds ({untested}).\n"
        )
    page = (
        f"# Table 2. Results ({experiment})\n\n"
        f"Error rate (ER) and F1 in segments of 1 s, micro-averaged over {len(data['classes'])} classes, "
        f"{data['recordings']} recordings, {data['seconds']} s. Counts are pooled over the test recordings of the "
        f"{folds} folds; mean over {runs} run(s) (priors: 1). After ±: sample standard deviation over folds and runs, "
        f"{folds} values a run.\n\n"
        f"- Threshold {rows[0]['threshold']}: output above it, against the hard labels. Class-dependent: trimmed "
        "midrange of the training labels, on the output and on the soft reference. The two have different references: "
        "compare within one.\n"
        "- Macro F1 counts a class that is never detected as 0 (sed_eval would leave it out). The paper gives none.\n"
        "- KLD in nats does not depend on the threshold. The paper does not define it: *time* takes each class as a "
        "distribution along time (mean over classes) and stands beside the paper's number, *Bernoulli* takes each "
        "second and class as a probability (sum over classes, mean over seconds). Outputs clipped to (epsilon, "
        f"1 - epsilon), epsilon = {data['config']['epsilon']:g}: a regression's outputs below 0 make the value depend "
        "on it.\n"
        "- **Compare KLD only within one reference.** Here it is that of the paper's caption: hard for BCE, soft for "
        "MSE; the priors against soft. The last table has all systems against the soft labels. For `S_BCE_sig` the "
        'caption ("binary for BCE") and Sec. 3.2 ("reference labels as provided in training", thus soft) disagree.\n'
        f"{untested}- {relation}\n\n"
    )
    page += grid(header(paper=True), [cells(row, paper=True) for row in detectors]) if detectors else ""
    if priors:
        page += PRIORS + grid(header(paper=False), [cells(row, paper=False) for row in rows if row not in detectors])
    page += "## KLD of all systems against the soft labels\n\n" + grid(
        ["System", "KLD (time)", "KLD (Bernoulli)"],
        [
            [f"`{row['system']}`", number(row["kld_time_soft"], 3), number(row["kld_bernoulli_soft"], 3)]
            for row in rows
            if row["threshold"] != MIDRANGE
        ],
    )
    return page.rstrip("\n") + "\n"
