# labels: opinions to soft labels (Sec. 2.1, eq. 1, or another method, side by side) and soft labels to hard ones.
# Published soft labels enter half-way, as the labels by the method "published", and labels of one's own, as "given".


rule labels:
    input:
        labels_by(METHODS, "hard"),
        expand("<results>/labels/{method}/competence.tsv", method=METHODS) if FROM_OPINIONS else [],
        (
            expand("<results>/labels/{file}", file=["agreement.tsv", "crowd_size.tsv", "page.html"])
            if FROM_OPINIONS
            else []
        ),
        expand("<results>/labels/trials/{trial}.tsv", trial=TRIALS),


if FROM_OPINIONS:

    rule aggregate_opinions:
        input:
            opinions=OPINIONS,
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            competence="<results>/labels/{method}/competence.tsv",
            soft="<results>/labels/{method}/soft.tsv",
        log:
            "<logs>/aggregate_opinions/{method}.log",
        benchmark:
            "<benchmarks>/aggregate_opinions/{method}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.aggregate"),
            *own_content(),
            config=estimator_of,
            seed=derive_seed("labels"),
        message:
            "Estimate competence and aggregate opinions to soft labels ({wildcards.method})"
        shell:
            "python -m softsed --log {log} labels.aggregate --opinions {input.opinions:q} --recordings {input.recordings:q}"
            " --classes {input.classes:q} --scenes {input.scenes:q} --config {params.config:q} --seed {params.seed}"
            " --competence {output.competence} --soft {output.soft}"

elif OWN:

    rule adopt_given:
        input:
            labels=rules.survey_dataset.input.labels,
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            soft="<results>/labels/given/soft.tsv",
        log:
            "<logs>/adopt_given.log",
        benchmark:
            "<benchmarks>/adopt_given.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.adopt"),
            *content(LABELS),
            kind=KIND,
            labels=str(LABELS),
        message:
            "Import {params.kind} labels from {params.labels}"
        shell:
            "python -m softsed --log {log} labels.adopt --kind {params.kind} --labels {params.labels:q}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --soft {output.soft}"

else:

    rule adopt_published:
        input:
            published=expand("<results>/data/published/{recording}.txt", recording=RECORDINGS),
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
        output:
            soft="<results>/labels/published/soft.tsv",
        log:
            "<logs>/adopt_published.log",
        benchmark:
            "<benchmarks>/adopt_published.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.adopt"),
            results=results_folder,
        message:
            "Import the published soft labels"
        shell:
            "python -m softsed --log {log} labels.adopt --kind published --labels {params.results}/data/published"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --soft {output.soft}"


rule harden_labels:
    input:
        soft="<results>/labels/{method}/soft.tsv",
        recordings=config["recordings"],
        classes=config["classes"],
    output:
        hard="<results>/labels/{method}/hard.tsv",
        thresholds="<results>/labels/{method}/thresholds.tsv",
    log:
        "<logs>/harden_labels/{method}.log",
    benchmark:
        "<benchmarks>/harden_labels/{method}.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("labels.harden"),
        threshold=threshold_of,
    message:
        "Threshold soft labels ({wildcards.method}) at {params.threshold} and merge seconds into events"
    shell:
        "python -m softsed --log {log} labels.harden --soft {input.soft}"
        " --recordings {input.recordings:q} --classes {input.classes:q} --threshold {params.threshold}"
        " --hard {output.hard} --thresholds {output.thresholds}"


if TRIALS:

    rule try_estimators:
        output:
            quality="<results>/labels/trials/{trial}.tsv",
            reliability="<results>/labels/trials/{trial}.reliability.tsv",
        log:
            "<logs>/try_estimators/{trial}.log",
        benchmark:
            "<benchmarks>/try_estimators/{trial}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.trials"),
            config=as_json(
                {key: value for key, value in config["trials"].items() if key not in ("methods", "repetitions")}
            ),
            crowd=as_json(config["data"]["demo"]["crowd"]),
            methods=as_json(
                {
                    method: {"config": estimator(method), "threshold": threshold_by(method)}
                    for method in config["trials"]["methods"]
                }
            ),
            seed=lambda wildcards: derive_seed("trials", wildcards.trial),
        message:
            "Try the estimators of labels on simulated crowds, trial {wildcards.trial}"
        shell:
            "python -m softsed --log {log} labels.trials --trial {wildcards.trial} --config {params.config:q}"
            " --crowd {params.crowd:q} --methods {params.methods:q} --seed {params.seed} --quality {output.quality}"
            " --reliability {output.reliability}"
