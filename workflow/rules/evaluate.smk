# evaluate: segment-based metrics against soft and hard labels (Sec. 3.2), one file per system and run, including the
# baselines without audio; if true events are known, also metrics of systems and labels against these events.


rule evaluate:
    input:
        results_of("<results>/metrics/{system}/run{run}.json", REFERRED + PRIORS),
        results_of("<results>/metrics/{system}/run{run}.truth.json", SYSTEMS + PRIORS) if TRUTH else [],
        expand("<results>/metrics/labels/{method}.truth.json", method=METHODS) if TRUTH else [],


rule evaluate_system:
    input:
        scores=expand("<results>/predictions/{{system}}/run{{run}}/fold{fold}.tsv", fold=FOLDS),
        folds=expand("<results>/folds/fold{fold}.tsv", fold=FOLDS),
        soft=labels_by(METHOD, "soft"),
        hard=labels_by(METHOD, "hard"),
        classes=config["classes"],
    output:
        metrics="<results>/metrics/{system}/run{run}.json",
    log:
        "<logs>/evaluate_system/{system}_run{run}.log",
    benchmark:
        "<benchmarks>/evaluate_system/{system}_run{run}.tsv"
    wildcard_constraints:
        system="|".join(map(re.escape, REFERRED + PRIORS)),
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("evaluate.system"),
        config=as_json(config["evaluate"]),
        loss=loss_of,
    message:
        "Evaluate {wildcards.system}, run {wildcards.run}"
    shell:
        "python -m softsed --log {log} evaluate.system --system {wildcards.system} --run {wildcards.run}"
        " --scores {input.scores} --folds {input.folds}"
        " --soft {input.soft} --hard {input.hard}"
        " --classes {input.classes:q} --loss {params.loss} --config {params.config:q} --output {output.metrics}"


if TRUTH:

    rule evaluate_ground_truth:
        input:
            scores=expand("<results>/predictions/{{system}}/run{{run}}/fold{fold}.tsv", fold=FOLDS),
            folds=expand("<results>/folds/fold{fold}.tsv", fold=FOLDS),
            soft=lambda wildcards: labels_by(method_of(wildcards.system), "soft"),
            truth=TRUTH,
            classes=config["classes"],
        output:
            metrics="<results>/metrics/{system}/run{run}.truth.json",
        log:
            "<logs>/evaluate_ground_truth/{system}_run{run}.log",
        benchmark:
            "<benchmarks>/evaluate_ground_truth/{system}_run{run}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("evaluate.ground_truth"),
            truth=TRUTH_OPTION,
            config=as_json({key: config["evaluate"][key] for key in ("classes", "threshold", "trim")}),
            training=system_of,
        message:
            "Evaluate {wildcards.system}, run {wildcards.run}, against the true events"
        shell:
            "python -m softsed --log {log} evaluate.ground_truth system --system {wildcards.system} --run {wildcards.run}"
            " --scores {input.scores} --folds {input.folds} {params.truth}"
            " --soft {input.soft} --classes {input.classes:q}"
            " --training {params.training:q} --config {params.config:q} --output {output.metrics}"

    rule evaluate_ground_truth_labels:
        input:
            folds=expand("<results>/folds/fold{fold}.tsv", fold=FOLDS),
            soft=lambda wildcards: labels_by(wildcards.method, "soft"),
            hard=lambda wildcards: labels_by(wildcards.method, "hard"),
            truth=TRUTH,
            classes=config["classes"],
        output:
            metrics="<results>/metrics/labels/{method}.truth.json",
        log:
            "<logs>/evaluate_ground_truth_labels/{method}.log",
        benchmark:
            "<benchmarks>/evaluate_ground_truth_labels/{method}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("evaluate.ground_truth"),
            truth=TRUTH_OPTION,
            config=as_json({"classes": config["evaluate"]["classes"]}),
            training=lambda wildcards: as_json({"method": wildcards.method}),
            threshold=threshold_of,
        message:
            "Evaluate labels ({wildcards.method}) against the true events"
        shell:
            "python -m softsed --log {log} evaluate.ground_truth labels --folds {input.folds} {params.truth}"
            " --soft {input.soft} --hard {input.hard} --classes {input.classes:q}"
            " --threshold {params.threshold} --training {params.training:q} --config {params.config:q}"
            " --output {output.metrics}"
