# Functions that rule files call. The plan contains all values that can be computed without Snakemake.


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


def no_audio(stage):
    """Create an input function that explains why a stage after the labels cannot run."""

    def stop(wildcards):
        raise WorkflowError(
            f"The stage {stage} needs audio, but the experiment has opinions only. Expected a target up to the stage "
            "labels. Repeat your command with the target `labels`."
        )

    return stop


def untracked(**values):
    """Return values for the resources of a rule: a step needs them, but a change of them must not rerun it.

    Snakemake 9.27.1 compares all parameters of a rule with those of its last run, but none of its resources. A mirror,
    a device, settings in a model file for its later use, or the whole config as a record of a run changes neither models
    nor metrics.
    """
    return values


def tables_of_document(wildcards):
    """List the tables that a document shows: the table of the same name, and tables beside it."""
    beside = {
        "table1": [
            workflow_file("workflow/resources/paper_table1.tsv"),
            workflow_file("workflow/resources/paper_recordings.tsv"),
        ],
        "table2": [workflow_file("workflow/resources/published_systems.tsv")],
        "intervals": [f"{plan.results}/report/differences.tsv"],
    }
    return [f"{plan.results}/report/{wildcards.document}.tsv", *beside.get(wildcards.document, [])]


def facts_of_document(wildcards):
    """List the file with the numbers that the text of a document contains, if there is one."""
    facts = {
        "table2": [f"{plan.results}/metrics/{plan.compared_systems[0]}/run1.json"],
        "truth": [f"{plan.results}/metrics/{plan.all_systems[-1]}/run1.truth.json"],
        "label_statistics": [f"{plan.results}/report/label_statistics.json"],
    }
    return facts.get(wildcards.document, [])


def templates_of_document(wildcards):
    """List the template of a document and the templates that it includes."""
    templates = workflow_file("workflow/softsed/report/documents/templates")
    return checked(list_templates, f"{templates}/{wildcards.document}.md.j2")


def options_of_document(wildcards):
    """Return the options that only some documents have."""
    source, method = f"--source {plan.source}", f"--method {plan.method}"
    priors = " ".join(["--priors", *plan.baselines])
    options = {"table1": source, "table2": f"{source} {priors}", "intervals": priors}
    options |= {"truth": method, "label_statistics": method}
    return options.get(wildcards.document, "")
