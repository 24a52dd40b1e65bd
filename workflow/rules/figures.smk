# report, continued: the tables of curves, the figures, and the tables about labels.


# Category and content of each figure in the report of Snakemake.
FIGURE_ENTRIES = {
    "figure2": ("Results", "Fig. 2: F1 of each class"),
    "reliability": ("Results", "Reliability of the scores"),
    "training": ("Training", "Losses of all trainings"),
    "label_quality": ("Labels", "Quality of labels on simulated crowds"),
    "label_reliability": ("Labels", "Reliability of labels on simulated crowds"),
}


rule make_class_curves:
    input:
        metrics=plan.per_run("<results>/metrics/{system}/run{run}.json", plan.compared_systems),
        table1="<results>/report/table1.tsv",
    output:
        tsv="<results>/report/figure2.tsv",
    log:
        "<logs>/make_class_curves.log",
    benchmark:
        "<benchmarks>/make_class_curves.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.curve_tables"),
        curves=plan.curves,
    message:
        "Make the table of Fig. 2"
    shell:
        "python -m softsed --log {log} report.curve_tables figure2 --metrics {input.metrics} --table1 {input.table1}"
        " --curves {params.curves:q} --tsv {output.tsv}"


rule make_training_curves:
    input:
        history=plan.per_run("<results>/models/{system}/run{run}/fold{fold}.history.tsv", plan.systems),
    output:
        tsv="<results>/report/training.tsv",
    log:
        "<logs>/make_training_curves.log",
    benchmark:
        "<benchmarks>/make_training_curves.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.curve_tables"),
    message:
        "Collect the losses of all trainings"
    shell:
        "python -m softsed --log {log} report.curve_tables training --history {input.history} --tsv {output.tsv}"


rule make_convergence_table:
    input:
        training="<results>/report/training.tsv",
    output:
        tsv=report(
            "<results>/report/convergence.tsv",
            caption="../report/convergence.rst",
            category="Training",
            labels={"content": "Convergence of the trainings", "type": "table"},
        ),
    log:
        "<logs>/make_convergence_table.log",
    benchmark:
        "<benchmarks>/make_convergence_table.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.curve_tables"),
        schedule=config["train"]["schedule"],
    message:
        "Count the trainings that may not have converged"
    shell:
        "python -m softsed --log {log} report.curve_tables convergence --training {input.training}"
        " --schedule {params.schedule} --tsv {output.tsv}"


rule draw_figure:
    input:
        table="<results>/report/{figure}.tsv",
    output:
        svg=report(
            "<results>/report/{figure}.svg",
            caption="../report/figure.rst",
            category=lambda wildcards: FIGURE_ENTRIES[wildcards.figure][0],
            labels=lambda wildcards: {"content": FIGURE_ENTRIES[wildcards.figure][1], "type": "figure"},
        ),
        png="<results>/report/{figure}.png",
    log:
        "<logs>/draw_figure/{figure}.log",
    benchmark:
        "<benchmarks>/draw_figure/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.figures"),
    message:
        "Draw {wildcards.figure}"
    shell:
        "python -m softsed --log {log} report.figures {wildcards.figure} --table {input.table}"
        " --svg {output.svg} --png {output.png}"


rule make_label_statistics:
    input:
        soft=plan.labels("soft"),
        competence=expand("<results>/labels/{method}/competence.tsv", method=plan.method) if plan.from_opinions else [],
        recordings=plan.tables["recordings"],
        classes=plan.tables["classes"],
        published=workflow_file("workflow/resources/published_labels.tsv"),
    output:
        tsv=report(
            "<results>/report/label_statistics.tsv",
            caption="../report/label_statistics.rst",
            category="Labels",
            labels={"content": "Statistics of the soft labels", "type": "table"},
        ),
        counts="<results>/report/label_statistics.json",
    log:
        "<logs>/make_label_statistics.log",
    benchmark:
        "<benchmarks>/make_label_statistics.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.label_statistics"),
        evaluated=as_json(config["evaluate"]["classes"]),
    message:
        "Compare statistics of the soft labels with the published ones"
    shell:
        "python -m softsed --log {log} report.label_statistics --soft {input.soft}"
        " --competence {input.competence} --recordings {input.recordings:q} --classes {input.classes:q}"
        " --evaluated {params.evaluated:q} --published {input.published:q} --tsv {output.tsv} --counts {output.counts}"


rule make_label_quality:
    input:
        quality=expand("<results>/labels/trials/{trial}.tsv", trial=plan.trials),
        reliability=expand("<results>/labels/trials/{trial}.reliability.tsv", trial=plan.trials),
    output:
        tsv=report(
            "<results>/report/label_quality.tsv",
            caption="../report/label_quality.rst",
            category="Labels",
            labels={"content": "Quality of labels on simulated crowds", "type": "table"},
        ),
        diagram="<results>/report/label_reliability.tsv",
    log:
        "<logs>/make_label_quality.log",
    benchmark:
        "<benchmarks>/make_label_quality.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.label_quality"),
    message:
        "Average the trials of the label estimators"
    shell:
        "python -m softsed --log {log} report.label_quality --quality {input.quality} --reliability {input.reliability}"
        " --tsv {output.tsv} --diagram {output.diagram}"
