# Functions that rule files call. Everything that can be computed without Snakemake is in the plan.


def checked(function, *arguments):
    """Call a function of the package, and show its InputError as an error of Snakemake, without a traceback."""
    try:
        return function(*arguments)
    except InputError as error:
        raise WorkflowError(str(error)) from None


def from_wildcards(function, *names):
    """Create an input or parameter function that passes the named wildcards to a function; sections become JSON."""

    def call(wildcards):
        value = checked(function, *(getattr(wildcards, name) for name in names))
        return as_json(value) if isinstance(value, dict) else value

    return call


def results_folder(wildcards):
    """Return the folder of the results; a function, because path variables are not expanded in parameters."""
    return plan.results


def no_audio(wildcards):
    """Explain why a stage after the labels cannot run."""
    raise WorkflowError(
        "This stage needs audio, but the experiment has opinions only. Expected targets up to the stage labels: "
        f"snakemake labels --config opinions={config['opinions']}"
    )


def untracked(**values):
    """Return values that a step needs and that must rerun nothing, for the resources of a rule.

    Snakemake 9.27.1 compares all parameters of a rule with those of its last run, but none of its resources. A mirror,
    a device, what a model file carries, or the whole config as a record of a run changes neither models nor metrics.
    """
    return values
