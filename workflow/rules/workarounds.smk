# Workarounds for Snakemake, each with the version, the upstream issue and when it can be deleted; no rules here.

from softsed import parent
from softsed.planning import records

# Workaround, Snakemake 9.27.1 (https://github.com/snakemake/snakemake/issues/448): Snakemake ends a job by killing its
# shell, which leaves the step running, and a killed Snakemake does not end its jobs. With `exec` the step is the job's
# process, and every step watches the process of Snakemake (workflow/softsed/parent.py). Delete both when Snakemake ends
# whole process groups and jobs end with Snakemake.
shell.prefix("exec ")
os.environ[parent.PARENT_PID] = str(os.getpid())


# Workaround, Snakemake 9.27.1 (https://github.com/snakemake/snakemake/issues/4166): while a job runs, jobs that depend
# on it by `ancient` do not run for a change of their own, not even if their output is missing, and the run ends without
# an error. Therefore a file that Snakemake will make again, because a run was killed before it was recorded, is not
# ancient. Delete this function, and use `ancient`, when that issue is closed.
def ancient_if_recorded(path):
    """Mark a file as ancient unless Snakemake will make it again."""
    return path if records.is_incomplete(path.replace("<results>", plan.results)) else ancient(path)


# Workaround, Snakemake 9.27.1 (https://github.com/snakemake/snakemake/issues/2977): records of outputs do not travel
# with the outputs. Delete `records` and this function when Snakemake can share them.
def keep_records(step):
    """Bring Snakemake's records and the provenance of the experiment together; a problem with them does not stop a run."""
    try:
        step(config["experiment"])
    except (OSError, InputError) as error:
        logger.warning(
            f"Cannot update the records of {config['experiment']}: {str(error).rstrip('.')}. The run continues."
        )


if workflow.is_main_process:
    keep_records(records.sync)


# Workaround, Snakemake 9.27.1 (https://github.com/snakemake/snakemake/issues/2407): Snakemake deletes the outputs of a
# job before it runs again. A checkpoint is therefore a parameter of a training and not an output. Delete this
# function, and make the checkpoint an output, when rules can keep outputs.
def drop_checkpoints():
    """Remove the checkpoints of the trainings of this run, after all trainings are complete and recorded."""
    for job in workflow.dag.jobs:
        if job.rule.name in ("train_system", "train_on_opinions"):
            Path(job.params.checkpoint).unlink(missing_ok=True)
