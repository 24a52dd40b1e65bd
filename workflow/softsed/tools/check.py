"""The command ``softsed check``: all problems of a user-provided dataset at once."""

import logging
from pathlib import Path

from softsed.core.audio import find_audio
from softsed.core.errors import Problems
from softsed.core.log import PROGRESS
from softsed.core.options import TRUTH_HELP, add_dataset, add_options, build_parser, read_dataset
from softsed.data.dataset_checks import summarise
from softsed.data.infer_tables import DATASET, describe_sources, write_tables
from softsed.features.examine import examine_readable, warn
from softsed.planning.validate import check

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> None:
    """Check your recordings, labels or opinions, tables and true events; report all problems with file and line."""
    parser = build_parser(
        "check", main, example="--audio results/demo/data/audio --opinions results/demo/data/opinions.tsv --folds 3"
    )
    add_dataset(parser)
    parser.add_argument("--truth", type=Path, help=TRUTH_HELP)
    parser.add_argument("--folds", type=int, default=5, help="number of folds, 0 without folds (default: 5)")
    parser.add_argument(
        "--validation", type=float, default=0.25, help="share of the recordings for validation (default: 0.25)"
    )
    add_options(parser, "unticked")
    parser.add_argument(
        "--f-max", type=float, default=14000, help="highest frequency of the features in Hz (default: 14000)"
    )
    parser.add_argument(
        "--tables", type=Path, help="folder to write the inferred recordings.tsv, classes.tsv, scenes.tsv"
    )
    options = parser.parse_args(argv)
    labels, kind, tables = read_dataset(options)
    recordings, classes, asked = check(
        options.audio,
        labels,
        kind,
        tables,
        folds=options.folds,
        validation=options.validation,
        unticked=options.unticked,
        truth=options.truth,
    )
    if options.audio:
        warn(examine_readable(find_audio(options.audio, Problems())), options.f_max)
    logger.info("%s", summarise(kind, recordings, classes, asked), extra=PROGRESS)
    if options.tables:
        write_tables(options.tables, recordings, classes, asked)
        sources = describe_sources(labels, kind, tables, options.unticked)
        (options.tables / DATASET).write_text(sources, encoding="utf-8")
