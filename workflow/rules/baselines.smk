# baselines: the baselines without audio beside published systems, from labels and folds alone. For MAESTRO Real,
# `snakemake baselines` downloads the annotations (1 MB) and the official folds, and no audio.


rule baselines:
    input:
        expand("<results>/report/{document}.md", document=["table1", "baselines"]),
        expand("<results>/report/{table}.tsv", table=["table1", "baselines", "baseline_differences"]),
        plan.per_run("<results>/metrics/{system}/run{run}.json", plan.baselines),


rule make_baseline_intervals:
    input:
        predictions=plan.per_run("<results>/predictions/{system}/run{run}/fold{fold}.tsv", plan.baselines),
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
        soft=plan.labels("soft"),
        hard=plan.labels("hard"),
        classes=plan.tables["classes"],
    output:
        metrics="<results>/report/baselines.tsv",
        differences="<results>/report/baseline_differences.tsv",
    log:
        "<logs>/make_baseline_intervals.log",
    benchmark:
        "<benchmarks>/make_baseline_intervals.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.intervals"),
        results=results_folder,
        config=as_json({key: config["evaluate"][key] for key in ("classes", "threshold", "trim")}),
        runs=plan.runs_as_json(plan.baselines),
        # The other baselines are compared with the first one.
        prior=plan.baselines[0],
    message:
        "Compute the metrics of the baselines without audio with intervals over recordings"
    shell:
        "python -m softsed --log {log} report.intervals --predictions {params.results}/predictions"
        " --systems {params.runs:q} --priors {params.prior} --folds {input.folds}"
        " --soft {input.soft} --hard {input.hard} --classes {input.classes:q} --config {params.config:q}"
        " --metrics {output.metrics} --differences {output.differences}"


rule render_baselines_document:
    input:
        tables=[
            "<results>/report/table1.tsv",
            "<results>/report/baselines.tsv",
            "<results>/report/baseline_differences.tsv",
            workflow_file("workflow/resources/published_systems.tsv"),
        ],
        facts=f"<results>/metrics/{plan.baselines[0]}/run1.json",
        templates=checked(
            list_templates, workflow_file("workflow/softsed/report/documents/templates/without_audio.md.j2")
        ),
    output:
        document="<results>/report/baselines.md",
    log:
        "<logs>/render_baselines_document.log",
    benchmark:
        "<benchmarks>/render_baselines_document.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.documents.render"),
        experiment=config["experiment"],
        source=plan.source,
    message:
        "Render baselines.md"
    shell:
        "python -m softsed --log {log} report.documents.render without_audio --tables {input.tables:q}"
        " --facts {input.facts} --templates {input.templates:q} --experiment {params.experiment}"
        " --source {params.source} --output {output.document}"
