# softsed: from annotators' opinions to a detector and its numbers.
# The stages in the order of the flow; each is one rule file, one word. `snakemake STAGE` runs up to that stage.

from snakemake.utils import min_version

min_version("9.27.1")


configfile: "config.yaml"


# One's own recordings, or opinions alone: what differs then. What the command line says stands above all files.
if config["audio"]:

    configfile: "workflow/own.yaml"

elif config["opinions"]:

    configfile: "workflow/opinions.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/jobs.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/crowd.smk"


if config["data"]["source"] == "opinions":

    include: "workflow/rules/no_audio.smk"

else:

    include: "workflow/rules/features.smk"
    include: "workflow/rules/folds.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/predict.smk"
    include: "workflow/rules/evaluate.smk"
    include: "workflow/rules/report.smk"
    include: "workflow/rules/figures.smk"
    include: "workflow/rules/page.smk"


rule all:
    default_target: True
    input:
        rules.data.input,
        rules.labels.input,
        [] if config["data"]["source"] == "opinions" else rules.report.input,


# What was made goes with its records, also after a run in which something failed.
onsuccess:
    keep_records(records.save)
    drop_checkpoints()


onerror:
    keep_records(records.save)
