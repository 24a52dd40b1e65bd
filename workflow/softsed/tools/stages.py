"""The stages of the workflow, and the stage of each rule."""

import re
from pathlib import Path

STAGES = ("data", "labels", "features", "folds", "train", "predict", "evaluate", "report")  # in the order of the flow

RULES = Path(__file__).parents[2] / "rules"  # rule files of the workflow
RULE = re.compile(r"^\s*rule (\w+):$", re.MULTILINE)
STEP = re.compile(r"python -m softsed --log \{log\} (\w+)")  # the first word of a step is its stage


def read_stages(folder: Path = RULES) -> dict[str, str]:
    """Read the stage of each rule from the rule files.

    Returns
    -------
    dict of str
        Rule -> stage, without rules that run no step.
    """
    stages = {}
    for path in sorted(folder.glob("*.smk")):
        parts = RULE.split(path.read_text(encoding="utf-8"))
        for rule, body in zip(parts[1::2], parts[2::2], strict=True):
            if found := STEP.search(body):
                stages[rule] = found[1]
    return stages
