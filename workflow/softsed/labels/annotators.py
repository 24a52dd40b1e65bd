"""Initial parameters of a crowd layer: annotators estimated from the opinions about the training recordings of a fold.

`softsed.train.crowd.layer` uses the estimates. They come from EM of `softsed.labels.joint.events` without audio, for
one fixed detection d and without confusions, and contain no labels. Opinions about validation and test recordings have
no influence.
"""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from softsed.core.errors import InputError
from softsed.core.log import Remaining
from softsed.core.metadata import Recording, read_fold
from softsed.core.opinions import Opinions, read_tables
from softsed.core.options import add_options, build_parser
from softsed.labels.joint.events import ITERATIONS, fit
from softsed.labels.joint.forward_backward import LONGEST_S
from softsed.labels.joint.hearing import Chains

DETECTION = 0.3  # d; of 0.3 and 0.5, the one with the lower validation loss of a crowd layer on two folds of the demo

logger = logging.getLogger(__name__)


def estimate_annotators(opinions: Opinions, recordings: dict[str, Recording], class_weight: float) -> dict:
    """Estimate the annotators by EM with the detection `DETECTION`.

    Parameters
    ----------
    opinions, recordings, class_weight
        As in `softsed.labels.joint.events.event_labels`.

    Returns
    -------
    dict
        detection; annotators, the names; competence and tick_rate [annotators, classes]; false_alarm [classes], the
        expected number of false alarms of a window; active_s [classes], the expected number of active seconds.

    Raises
    ------
    InputError
        If a window is longer than `LONGEST_S`.
    """
    longest = int(
        (opinions.offset - opinions.onset).max()
    )  # of all windows, because `Chains` refuses them even without opinions
    if longest > LONGEST_S:
        raise InputError(
            f"a system is trained on opinions, but a window lasts {longest} s",
            key="systems",
            expected=f"windows of at most {LONGEST_S} s",
            remedy="Train the system on labels by eq1 or majority",
        )
    chains = Chains(opinions, recordings, class_weight)
    result = fit(chains, chains.start(DETECTION), Remaining(logger, "annotators: steps of EM", ITERATIONS, bound=True))
    owner, now = np.repeat(chains.label, chains.smoother.seconds), result.parameters
    known = np.unique(opinions.annotator)
    return {
        "detection": DETECTION,
        "annotators": [opinions.annotators[who] for who in known],
        "competence": now.competence[known].tolist(),
        "tick_rate": now.tick_rate[known].tolist(),
        "false_alarm": now.false_alarm.tolist(),
        "active_s": np.bincount(owner, weights=result.found.active, minlength=chains.classes).tolist(),
    }


def main(argv: list[str] | None = None) -> None:
    """Estimate the annotators from the opinions about the training recordings of one fold."""
    example = "--opinions results/demo/data/opinions.tsv --recordings workflow/resources/demo.tsv "
    example += "--classes workflow/resources/classes.tsv --scenes workflow/resources/scenes.tsv "
    example += "--fold results/demo/folds/fold1.tsv --class-weight 200 --output annotators.json"
    parser = build_parser("labels.annotators", main, example=example)
    add_options(parser, "opinions", "unticked", "recordings", "classes", "scenes", "fold")
    parser.add_argument("--class-weight", type=float, required=True, help="key labels.joint.class_weight of the config")
    add_options(parser, output="estimates to write (JSON)")
    options = parser.parse_args(argv)
    opinions, recordings = read_tables(options)
    training = np.isin(opinions.recording, read_fold(options.fold)["train"])[opinions.window]
    if not training.any():
        problem = "no opinion is about a training recording of the fold"
        raise InputError(problem, file=Path(options.fold), remedy="Provide opinions about more recordings")
    columns = {name: getattr(opinions, name)[training] for name in ("window", "annotator", "label", "opinion")}
    found = estimate_annotators(replace(opinions, **columns), recordings, options.class_weight)
    competence = np.mean(found["competence"], axis=1)
    logger.info("%d annotators: competence %.3f to %.3f", len(competence), competence.min(), competence.max())
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
