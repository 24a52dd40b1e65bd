"""A separate SLURM cluster on this machine: two nodes, real daemons, no file outside its folder, ended by process id.

Nothing of the system's is used but the programs of Debian's packages: key, socket, ports, state and configuration are
the cluster's own, so that an installed SLURM or munge, running or not, neither helps nor hinders. It has no accounting
and needs neither root nor cgroups.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = "slurm-wlm munge"
PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo"]
NODES = ["node1", "node2"]
DEADLINE_S = 600  # steps take seconds, or minutes on a busy machine; after this time they have failed

CONFIGURATION = """\
ClusterName=softsed
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
# A requeued job waits for its old credential to expire: two minutes, unless said otherwise.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
KillWait=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# A submitted job starts now, not within the next three seconds.
SchedulerParameters=batch_sched_delay=0
# Memory is watched, and enforced, by reading /proc once a second: no cgroups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/%n
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
# Nodes have the declared resources, independent of those of the machine.
SlurmdParameters=config_overrides
# A node that did not answer for a while comes back by itself; one that was set down by hand stays down.
ReturnToService=1
GresTypes=gpu
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=16000 Gres=gpu:1
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=16000 Gres=gpu:1
PartitionName=main Nodes=ALL Default=YES State=UP
"""

# The executor passes no variable SLURM_... to the srun inside a job (2.8.0), but srun needs the configuration as well.
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


def search_path() -> str:
    """Return the search path of programs. Debian has the daemons in sbin, which is not on every path."""
    return os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


def missing_programs() -> list[str]:
    """Return the programs of the packages that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name, path=search_path()) is None]


def free_ports(number: int) -> list[int]:
    """Return unused ports."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when the condition holds; raise a TimeoutError with the name of the condition after `DEADLINE_S`."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {DEADLINE_S} s for {what}")
        time.sleep(0.2)


class Cluster:
    """The cluster as a context manager, which starts the cluster, ends it and removes its folder."""

    def __enter__(self) -> "Cluster":
        # A short path, because the path of a socket may have 107 characters; munge requires folders that all users may
        # enter.
        self.folder = Path(tempfile.mkdtemp(prefix="slurm"))
        self.folder.chmod(0o755)
        self.environment = os.environ | {
            "PATH": f"{self.folder}/bin{os.pathsep}{search_path()}",
            "SLURM_CONF": f"{self.folder}/slurm.conf",
        }
        self.daemons: list[subprocess.Popen] = []
        try:
            self._configure()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def _configure(self) -> None:
        for name in ["bin", "state", *NODES]:
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        filled = {
            "folder": self.folder,
            "host": socket.gethostname().split(".")[0],
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "ports": free_ports(1 + len(NODES)),
            "nodes": NODES,
        }
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(**filled), encoding="utf-8")
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n", encoding="utf-8")  # declared only
        original = shutil.which("srun", path=search_path())
        srun = self.folder / "bin" / "srun"
        srun.write_text(SRUN.format(folder=self.folder, srun=original), encoding="utf-8")
        srun.chmod(0o755)

    def _start(self) -> None:
        files = [f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "pid", "seed", "log")]
        self._daemon("munged", "--foreground", f"--socket={self.folder}/munge.socket", *files)
        self._wait_for((self.folder / "munge.socket").exists, "munged")
        self._daemon("slurmctld", "-D", "-i")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node)
        self._wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), "idle nodes")

    def _daemon(self, *command: str) -> None:
        with (self.folder / "daemons.log").open("ab") as log:
            program = shutil.which(command[0], path=search_path())
            self.daemons.append(
                subprocess.Popen([program, *command[1:]], env=self.environment, stdout=log, stderr=subprocess.STDOUT)
            )

    def _wait_for(self, condition: Callable[[], object], what: str) -> None:
        def met() -> object:
            assert all(daemon.poll() is None for daemon in self.daemons), f"a daemon ended:\n{self.logs()}"
            return condition()

        try:
            wait_until(met, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.logs()}") from None

    def logs(self) -> str:
        """Return the logs of the daemons."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def ask(self, *command: str, check: bool = True) -> str:
        """Return the output of a command of SLURM."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def states(self) -> dict[str, str]:
        """State of each node; empty while the controller does not answer."""
        lines = self.ask("sinfo", "--noheader", "--Node", "--format=%N %T", check=False).splitlines()
        return dict(line.split() for line in lines)

    def job(self, number: str) -> dict[str, str]:
        """Return SLURM's record of a job, which SLURM keeps for five minutes after its end."""
        words = self.ask("scontrol", "--oneliner", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def cancel(self) -> None:
        """Cancel every job and wait for their end."""
        self.ask("scancel", "--user", pwd.getpwuid(os.getuid()).pw_name)
        wait_until(lambda: not self.ask("squeue", "--noheader"), "the end of all jobs")

    def processes(self) -> dict[int, str]:
        """Return the processes of this cluster by id: daemons, and processes of its jobs."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if f"PATH={self.folder}/bin".encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:  # the process has ended, or belongs to another user
                continue
        return found

    def stop(self) -> None:
        """End the jobs, then the daemons; raise an AssertionError with the processes that had to be killed."""
        try:
            with contextlib.suppress(AssertionError):  # a controller that has never answered has no jobs
                self.cancel()
        finally:
            for daemon in reversed(self.daemons):  # munged last, because the other daemons need it
                daemon.terminate()
                daemon.wait(DEADLINE_S)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: not self.processes(), "the end of what jobs started")
            left = self.processes()
            for number in left:
                os.kill(number, signal.SIGKILL)
            logs = self.logs()
            shutil.rmtree(self.folder)
        assert not left, f"left over by SLURM: {left}\n{logs}"
