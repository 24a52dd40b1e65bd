"""The command ``softsed check``: all problems of a user-provided dataset at once."""

import logging
from pathlib import Path

from softsed.core.log import PROGRESS
from softsed.core.options import add_dataset, build_parser, read_dataset
from softsed.data.dataset_checks import summarise
from softsed.data.infer_tables import DATASET, describe_sources, write_tables
from softsed.planning.validate import check

logger = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> None:
    """Check your recordings, labels or opinions, tables and true events; report all problems with file and line."""
    parser = build_parser(
        "check", main, example="--audio results/demo/data/audio --opinions results/demo/data/opinions.tsv --folds 3"
    )
    add_dataset(parser)
    parser.add_argument("--truth", type=Path, help="folder of RECORDING.txt with the true events, if known")
    parser.add_argument("--folds", type=int, default=5, help="number of folds, 0 without folds (default: 5)")
    parser.add_argument(
        "--validation", type=float, default=0.25, help="share of the recordings for validation (default: 0.25)"
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
        truth=options.truth,
    )
    logger.info("%s", summarise(kind, recordings, classes, asked), extra=PROGRESS)
    if options.tables:
        write_tables(options.tables, recordings, classes, asked)
        (options.tables / DATASET).write_text(describe_sources(labels, kind, tables), encoding="utf-8")
