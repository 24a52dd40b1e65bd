"""A step lives no longer than the run of Snakemake that started it.

A Snakemake that is killed outright (SIGKILL, out of memory) cannot end its jobs. They would go on writing, for hours
where they train, into what the next run makes anew, perhaps with another config: its files would be overwritten by a
step that nobody knows of, under records that say otherwise. Therefore the Snakefile writes the number of its process
into the environment, and every step waits beside its work for the end of that process.

Linux only, where a process can be waited for that is not one's own child (pidfd, 5.3 and later). Elsewhere the steps of
a killed run have to be ended by hand.
"""

import logging
import os
import select
import threading

RUN = "SOFTSED_RUN"  # the process of Snakemake, on a cluster the one on the node

logger = logging.getLogger(__name__)


def _end(run: int) -> None:
    logger.error("Snakemake (process %d) is gone, so this step ends, too; what it was writing is made anew", run)
    os._exit(1)  # at once, from whichever thread


def follow() -> None:
    """End this process when the run of Snakemake ends that started it; nothing where none did."""
    if RUN not in os.environ:
        return
    run = int(os.environ[RUN])
    try:
        handle = os.pidfd_open(run)
    except ProcessLookupError:
        _end(run)
    except (AttributeError, OSError):  # no Linux, an old one, or a container that forbids it
        logger.info("this system cannot tell when Snakemake ends; should it be killed, end this step by hand")
        return

    def wait() -> None:
        select.select([handle], [], [])
        _end(run)

    threading.Thread(target=wait, daemon=True).start()
