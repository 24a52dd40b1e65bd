"""End a step when the Snakemake process that started it ends.

If Snakemake is killed (SIGKILL, out of memory), it cannot stop its jobs. A training could then continue for hours and
write into files that the next run creates again, perhaps with another config: its records would describe files that the
old step has overwritten. Therefore the Snakefile stores its process id in the environment, and each step waits in a
thread for the end of that process.

This needs a process handle that works for processes other than children: pidfd, Linux 5.3 or later. On other systems,
end the steps of a killed run by hand.
"""

import logging
import os
import select
import threading

PARENT_PID = "SOFTSED_PARENT_PID"  # process id of Snakemake; on a cluster, of the Snakemake process on the node

logger = logging.getLogger(__name__)


def _exit(pid: int) -> None:
    logger.error("Snakemake (process %d) has ended, so this step ends as well; the next run repeats the step", pid)
    os._exit(1)  # ends the process from any thread


def exit_with_parent() -> None:
    """Start a thread that ends this process when Snakemake ends; do nothing if Snakemake did not start this process."""
    if PARENT_PID not in os.environ:
        return
    pid = int(os.environ[PARENT_PID])
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        _exit(pid)
    except (AttributeError, OSError):  # another system, an older Linux, or a container that forbids the call
        logger.info("this system cannot report when Snakemake ends; if Snakemake is killed, end this step by hand")
        return

    def wait() -> None:
        select.select([handle], [], [])
        _exit(pid)

    threading.Thread(target=wait, daemon=True).start()
