# softsed: from annotators' opinions to a detector and its metrics.
# One rule file per stage, in the order of the flow. `snakemake STAGE` runs up to that stage.

import os

from snakemake.utils import min_version

min_version("9.27.1")


# The config beside this file, even if Snakemake runs in another folder. The relative path is shorter in errors.
configfile: os.path.relpath(os.path.join(workflow.basedir, "config.yaml"))


report: "workflow/report/workflow.rst"


include: "workflow/rules/jobs.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/workarounds.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/crowd.smk"


if plan.source == "opinions":

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
    include: "workflow/rules/baselines.smk"


rule all:
    default_target: True
    input:
        rules.data.input,
        rules.labels.input,
        [] if plan.source == "opinions" else rules.report.input,


# Records of outputs are saved beside the outputs, also after a run in which a job failed.
onsuccess:
    keep_records(records.save)
    drop_checkpoints()


onerror:
    keep_records(records.save)
