"""Markdown pages of Table 1 and Table 2: rounded as in the paper, its numbers beside ours, and what differs in words."""

PUBLISHED = "maestro_real"  # the experiment that the paper's numbers belong to
PAPER_RECORDINGS = 75  # Table 1
PRIORS = """\
## What scores without hearing the audio

These rows belong to no detector. They give every second of a recording the same scores, whatever is heard in it:

- `scene_prior`: the mean soft label of the scene over the training and validation recordings of the fold. It needs
  the name of the scene, nothing else.
- `recording_prior`: the mean soft label of the test recording itself. This is an **oracle**, it has seen the labels it
  is tested on, and bounds from above what can be had by knowing the recording, but nothing about time.

A detector has learned to detect to the extent that it exceeds these rows. Micro-averaged scores at one threshold hardly
tell them apart; macro F1 and the class-dependent thresholds do.

"""


def grid(columns: list[str], rows: list[list[str]]) -> str:
    """Format a Markdown table: first column to the left, all others to the right."""
    lines = [columns, [":--"] + ["--:"] * (len(columns) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def table1_page(rows: list[dict], published: list[dict], *, experiment: str) -> str:
    """Write the page of Table 1: the data of the experiment, then the table of the paper.

    Parameters
    ----------
    rows, published : list of dict
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
        f"## Published, {published[-1]['files']} recordings (Table 1 of the paper)\n\n",
    ]
    for i, table in enumerate((rows, published)):
        parts[i] += grid(list(table[0]), [[str(value) for value in row.values()] for row in table])
    return "".join(parts).rstrip("\n") + "\n"


def beside(value: float | None, paper: float | None, *, digits: int, compare: bool) -> list[str]:
    """Format our value, the paper's and, if they are comparable, the difference ours - paper; empty where missing."""
    difference = "" if not compare or value is None or paper is None else f"{value - paper:+.{digits}f}"
    return ["" if number is None else f"{number:.{digits}f}" for number in (value, paper)] + [difference] * compare


def table2_page(rows: list[dict], metrics: list[dict], *, experiment: str) -> str:
    """Write the page of Table 2.

    Parameters
    ----------
    rows : list of dict
        Columns of table2.tsv, one row a system and operating point.
    metrics : list of dict
        Content of one metrics file a system, for the caption and to tell priors (loss none) from detectors.
    experiment : str
        Name for the caption. Differences from the paper are given for maestro_real only.
    """
    compare = experiment == PUBLISHED
    priors = {found["system"] for found in metrics if found["loss"] == "none"}
    data = metrics[0]
    folds = len(data["folds"])
    detectors = [row for row in rows if row["system"] not in priors]
    runs = max(row["runs"] for row in detectors or rows)

    def spread(text: str, value: float | None, digits: int) -> str:
        return text if value is None else f"{text} ± {value:.{digits}f}"

    def cells(row: dict, *, paper: bool) -> list[str]:
        line = [f"`{row['system']}`", row["threshold"]]
        for name, published, digits in (("error_rate", "paper_error_rate", 2), ("f1_micro", "paper_f1", 2)):
            value, *others = beside(row[name], row[published], digits=digits, compare=compare)
            line += [spread(value, row[f"{name}_std"], digits), *(others if paper else [])]
        line.append(spread(*beside(row["f1_macro"], None, digits=2, compare=False)[:1], row["f1_macro_std"], 2))
        line.append(f"{row['classes_detected']:.3g} of {row['classes_evaluated']}")
        time, *others = beside(row["kld_time"], row["paper_kld"], digits=3, compare=compare)
        line += [time, *(others if paper else []), beside(row["kld_bernoulli"], None, digits=3, compare=False)[0]]
        return [*line, row["kld_reference"] if row["kld_time"] is not None else ""]

    def header(*, paper: bool) -> list[str]:
        other = (["paper", "difference"] if compare else ["paper (MAESTRO Real)"]) if paper else []
        return [
            *("System", "Threshold", "ER", *other, "F1 %", *other, "Macro F1 %", "Classes detected"),
            *("KLD (time)", *other, "KLD (Bernoulli)", "KLD reference"),
        ]

    if compare:
        relation = (
            f"The paper has {PAPER_RECORDINGS} recordings. The labels of its evaluation part are not public, so that "
            f"nobody outside can compute the same numbers; here are {data['recordings']}, on folds of their own."
        )
    else:
        relation = (
            f"**The paper's columns are MAESTRO Real's and not comparable**: the data of `{experiment}` are others. They "
            "stand here to show the layout; no differences are given."
        )
    page = (
        f"# Table 2. Results ({experiment})\n\n"
        f"Error rate (ER) and F1 in segments of 1 s, micro-averaged over {len(data['classes'])} classes, "
        f"{data['recordings']} recordings, {data['seconds']} s. Counts are pooled over the test recordings of all {folds} "
        f"folds; mean over {runs} run(s) (priors: 1). After ±: sample standard deviation over folds and runs "
        f"(n = {folds} a run).\n\n"
        "- Threshold 0.5: output above it, against the hard labels. Class-dependent: trimmed midrange of the training "
        "labels, on the output and on the soft reference. The two have different references: compare within one.\n"
        "- Macro F1 counts a class that is never detected as 0 (sed_eval would leave it out). The paper gives none.\n"
        "- KLD in nats does not depend on the threshold. Reference as in the paper's caption: hard for BCE, soft for "
        "MSE; the priors against soft. The paper does not define it: *time* takes each class as a distribution along "
        "time (mean over classes) and stands beside the paper's number, *Bernoulli* takes each second and class as a "
        "probability (sum over classes, mean over seconds).\n"
        f"- {relation}\n\n"
    )
    page += grid(header(paper=True), [cells(row, paper=True) for row in detectors]) if detectors else ""
    if priors:
        page += PRIORS + grid(header(paper=False), [cells(row, paper=False) for row in rows if row not in detectors])
    return page.rstrip("\n") + "\n"
