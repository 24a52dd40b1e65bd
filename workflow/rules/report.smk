# report: the tables of the paper, metrics with intervals, the origin of the results, and the documents rendered from the
# tables. The tables of curves and labels and all figures are in figures.smk, the page of results is in page.smk.


FIGURES = ["figure2", "training", "reliability"] + (["label_quality", "label_reliability"] if plan.trials else [])
TABLES = (
    [
        "table1",
        "table2",
        "intervals",
        "differences",
        "reliability",
        "figure2",
        "training",
        "convergence",
        "label_statistics",
    ]
    + (["truth"] if plan.truth else [])
    + (["label_quality"] if plan.trials else [])
)
# Tables with a Markdown document, which has a template of the same name.
DOCUMENTS = [table for table in TABLES if table not in ("differences", "reliability", "figure2", "training")]


rule report:
    input:
        expand("<results>/report/{table}.tsv", table=TABLES),
        expand("<results>/report/{document}.md", document=DOCUMENTS),
        expand("<results>/report/{figure}.{form}", figure=FIGURES, form=["tsv", "svg", "png"]),
        expand("<results>/report/metrics.json"),
        expand("<results>/report/origin.json"),
        expand("<results>/page/index.html"),
        expand("<results>/page/media/{recording}.{form}", recording=plan.recordings, form=["mp3", "webp"]),


rule make_table1:
    input:
        hard=plan.labels("hard"),
        recordings=plan.tables["recordings"],
        classes=plan.tables["classes"],
        scenes=plan.tables["scenes"],
    output:
        tsv=report(
            "<results>/report/table1.tsv",
            caption="../report/table1.rst",
            category="Labels",
            labels={"content": "Table 1: events per scene and class", "type": "table"},
        ),
    log:
        "<logs>/make_table1.log",
    benchmark:
        "<benchmarks>/make_table1.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.table1"),
    message:
        "Make Table 1"
    shell:
        "python -m softsed --log {log} report.table1 --hard {input.hard}"
        " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q} --tsv {output.tsv}"


rule make_table2:
    input:
        metrics=plan.per_run("<results>/metrics/{system}/run{run}.json", plan.compared_systems),
        paper=workflow_file("workflow/resources/paper_table2.tsv"),
    output:
        tsv=report(
            "<results>/report/table2.tsv",
            caption="../report/table2.rst",
            category="Results",
            labels={"content": "Table 2: metrics of all systems", "type": "table"},
        ),
        metrics="<results>/report/metrics.json",
    log:
        "<logs>/make_table2.log",
    benchmark:
        "<benchmarks>/make_table2.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.table2"),
    message:
        "Make Table 2"
    shell:
        "python -m softsed --log {log} report.table2 --metrics {input.metrics} --paper {input.paper:q}"
        " --tsv {output.tsv} --json {output.metrics}"


rule make_intervals:
    input:
        predictions=plan.per_run(
            "<results>/predictions/{system}/run{run}/fold{fold}.tsv",
            plan.all_systems if plan.truth else plan.compared_systems,
        ),
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
        soft=plan.labels("soft"),
        hard=plan.labels("hard"),
        classes=plan.tables["classes"],
        truth=plan.truth,
    output:
        metrics=report(
            "<results>/report/intervals.tsv",
            caption="../report/intervals.rst",
            category="Results",
            labels={"content": "Metrics with intervals", "type": "table"},
        ),
        differences=report(
            "<results>/report/differences.tsv",
            caption="../report/differences.rst",
            category="Results",
            labels={"content": "Differences between systems", "type": "table"},
        ),
    log:
        "<logs>/make_intervals.log",
    benchmark:
        "<benchmarks>/make_intervals.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.intervals"),
        results=results_folder,
        config=as_json({key: config["evaluate"][key] for key in ("classes", "threshold", "trim")}),
        runs=plan.runs_as_json(plan.compared_systems),
        truth=plan.truth_option,
        others=plan.runs_as_json(plan.other_systems),
        priors=plan.baselines,
    message:
        "Compute the metrics of all systems with intervals over recordings"
    shell:
        "python -m softsed --log {log} report.intervals --predictions {params.results}/predictions"
        " --systems {params.runs:q} --priors {params.priors} --folds {input.folds}"
        " --soft {input.soft} --hard {input.hard} --classes {input.classes:q} --config {params.config:q}"
        " {params.truth} --only-truth {params.others:q}"
        " --metrics {output.metrics} --differences {output.differences}"


rule make_reliability:
    input:
        predictions=plan.per_run(
            "<results>/predictions/{system}/run{run}/fold{fold}.tsv",
            plan.compared_systems,
        ),
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
        soft=plan.labels("soft"),
        hard=plan.labels("hard"),
        classes=plan.tables["classes"],
    output:
        tsv="<results>/report/reliability.tsv",
    log:
        "<logs>/make_reliability.log",
    benchmark:
        "<benchmarks>/make_reliability.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.reliability"),
        results=results_folder,
        evaluated=as_json(config["evaluate"]["classes"]),
        runs=plan.runs_as_json(plan.compared_systems),
    message:
        "Make the reliability diagrams of all systems"
    shell:
        "python -m softsed --log {log} report.reliability --predictions {params.results}/predictions"
        " --systems {params.runs:q} --folds {input.folds} --soft {input.soft} --hard {input.hard}"
        " --classes {input.classes:q} --evaluated {params.evaluated:q} --tsv {output.tsv}"


# make_origin runs on the machine of Snakemake, whose versions and commit it records. The config is a resource and not a
# parameter: an edit of the config that changes no result does not rerun this rule.
localrules:
    make_origin,


rule make_origin:
    input:
        recordings=plan.tables["recordings"],
        classes=plan.tables["classes"],
        scenes=plan.tables["scenes"],
        features="<results>/features/index.tsv",
        embeddings=plan.front_ends.manifest,
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
        labels=plan.labels("soft", plan.methods) + plan.labels("hard", plan.methods),
        models=plan.per_run("<results>/models/{system}/run{run}/fold{fold}.pt", plan.systems),
        opinions=plan.opinions if plan.from_opinions else [],
        metrics=plan.per_run("<results>/metrics/{system}/run{run}.json", plan.compared_systems),
        truth=plan.per_run("<results>/metrics/{system}/run{run}.truth.json", plan.all_systems) if plan.truth else [],
        tables=expand("<results>/report/{table}.tsv", table=TABLES),
    output:
        json="<results>/report/origin.json",
    log:
        "<logs>/make_origin.log",
    benchmark:
        "<benchmarks>/make_origin.tsv"
    conda:
        "../../envs/softsed.yaml"
    resources:
        **untracked(config=as_json(plan.config)),
    params:
        *code("report.origin"),
        experiment=config["experiment"],
    message:
        "Record the origin of the results"
    shell:
        "python -m softsed --log {log} report.origin --experiment {params.experiment} --config {resources.config:q}"
        " --data {input.recordings:q} {input.classes:q} {input.scenes:q} {input.features} {input.folds} {input.labels}"
        " {input.embeddings}"
        " {input.opinions:q} --models {input.models} --metrics {input.metrics} {input.truth}"
        " --report {input.tables} --output {output.json}"


rule render_document:
    input:
        tables=tables_of_document,
        facts=facts_of_document,
        templates=templates_of_document,
    output:
        document="<results>/report/{document}.md",
    log:
        "<logs>/render_document/{document}.log",
    benchmark:
        "<benchmarks>/render_document/{document}.tsv"
    wildcard_constraints:
        document="|".join(DOCUMENTS),
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.documents.render"),
        experiment=config["experiment"],
        options=options_of_document,
    message:
        "Render {wildcards.document}.md"
    shell:
        "python -m softsed --log {log} report.documents.render {wildcards.document} --tables {input.tables:q}"
        " --facts {input.facts} --templates {input.templates:q} --experiment {params.experiment} {params.options}"
        " --output {output.document}"


if plan.truth:

    rule make_ground_truth_table:
        input:
            systems=plan.per_run("<results>/metrics/{system}/run{run}.truth.json", plan.all_systems),
            labels=expand("<results>/metrics/labels/{method}.truth.json", method=plan.methods),
        output:
            tsv=report(
                "<results>/report/truth.tsv",
                caption="../report/truth.rst",
                category="Results",
                labels={"content": "Metrics against the ground truth", "type": "table"},
            ),
        log:
            "<logs>/make_ground_truth_table.log",
        benchmark:
            "<benchmarks>/make_ground_truth_table.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("report.ground_truth"),
            method=plan.method,
        message:
            "Make the table of metrics against the true events"
        shell:
            "python -m softsed --log {log} report.ground_truth --metrics {input.labels} {input.systems}"
            " --reference {params.method} --tsv {output.tsv}"
