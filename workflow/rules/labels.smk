# labels: soft labels from opinions (Sec. 2.1, eq. 1, or other methods side by side), and hard labels from soft labels.
# Published soft labels are the labels by the method "published", user-provided labels those by the method "given".


rule labels:
    input:
        plan.labels("hard", plan.methods),
        expand("<results>/labels/{method}/competence.tsv", method=plan.methods) if plan.from_opinions else [],
        (
            expand("<results>/labels/{file}", file=["agreement.tsv", "crowd_size.tsv", "page.html"])
            if plan.from_opinions
            else []
        ),
        expand("<results>/labels/trials/{trial}.tsv", trial=plan.trials),


if plan.from_opinions:

    rule aggregate_opinions:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
        output:
            competence="<results>/labels/{method}/competence.tsv",
            soft="<results>/labels/{method}/soft.tsv",
        log:
            "<logs>/aggregate_opinions/{method}.log",
        benchmark:
            "<benchmarks>/aggregate_opinions/{method}.tsv"
        wildcard_constraints:
            method="|".join(plan.methods),
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.aggregate"),
            *plan.user.content(),
            unticked=config["unticked"],
            config=from_wildcards(plan.estimator, "method"),
            seed=plan.derive_seed("labels"),
        message:
            "Estimate competence and aggregate opinions to soft labels ({wildcards.method})"
        shell:
            "python -m softsed --log {log} labels.aggregate --opinions {input.opinions:q} --unticked {params.unticked}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --config {params.config:q} --seed {params.seed} --competence {output.competence} --soft {output.soft}"

    # Initial parameters of trainings on opinions. Without such a system, no job of this rule runs.
    rule estimate_annotators:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
            fold="<results>/folds/fold{fold}.tsv",
        output:
            annotators="<results>/labels/annotators/fold{fold}.json",
        log:
            "<logs>/estimate_annotators/fold{fold}.log",
        benchmark:
            "<benchmarks>/estimate_annotators/fold{fold}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.annotators"),
            *plan.user.content(),
            unticked=config["unticked"],
            class_weight=config["labels"]["joint"]["class_weight"],
        message:
            "Estimate the annotators from the opinions about the training recordings of fold {wildcards.fold}"
        shell:
            "python -m softsed --log {log} labels.annotators --opinions {input.opinions:q} --unticked {params.unticked}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --fold {input.fold} --class-weight {params.class_weight} --output {output.annotators}"

    # For systems with weight: opinions; no job runs without such a system.
    rule count_opinions:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
        output:
            counts="<results>/labels/counts.tsv",
        log:
            "<logs>/count_opinions.log",
        benchmark:
            "<benchmarks>/count_opinions.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.counts"),
            *plan.user.content(),
            unticked=config["unticked"],
        message:
            "Count the opinions about each second and class"
        shell:
            "python -m softsed --log {log} labels.counts --opinions {input.opinions:q} --unticked {params.unticked}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --output {output.counts}"

elif plan.source == "own":

    rule adopt_labels:
        input:
            labels=plan.user.label_files(),
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
        output:
            soft="<results>/labels/given/soft.tsv",
        log:
            "<logs>/adopt_labels.log",
        benchmark:
            "<benchmarks>/adopt_labels.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.adopt"),
            *plan.user.content(),
            kind=plan.user.kind,
            labels=plan.user.labels,
        message:
            "Adopt {params.kind} labels from {params.labels}"
        shell:
            "python -m softsed --log {log} labels.adopt --kind {params.kind} --labels {params.labels:q}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --soft {output.soft}"

else:

    rule adopt_labels:
        input:
            published=expand("<results>/data/published/{recording}.txt", recording=plan.recordings),
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
        output:
            soft="<results>/labels/published/soft.tsv",
        log:
            "<logs>/adopt_labels.log",
        benchmark:
            "<benchmarks>/adopt_labels.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.adopt"),
            results=results_folder,
        message:
            "Adopt the published soft labels"
        shell:
            "python -m softsed --log {log} labels.adopt --kind published --labels {params.results}/data/published"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --soft {output.soft}"


if plan.truth:

    rule adopt_truth:
        input:
            truth=plan.truth,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
        output:
            soft="<results>/labels/truth/soft.tsv",
        log:
            "<logs>/adopt_truth.log",
        benchmark:
            "<benchmarks>/adopt_truth.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.adopt"),
            truth=str(Path(plan.truth[0]).parent),
        message:
            "Adopt the true events as labels for a system that is trained on these events"
        shell:
            "python -m softsed --log {log} labels.adopt --kind truth --labels {params.truth:q}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --soft {output.soft}"


rule harden_labels:
    input:
        soft="<results>/labels/{method}/soft.tsv",
        recordings=plan.tables["recordings"],
        classes=plan.tables["classes"],
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
        threshold=from_wildcards(plan.threshold, "method"),
    message:
        "Threshold soft labels ({wildcards.method}) at {params.threshold} and merge seconds into events"
    shell:
        "python -m softsed --log {log} labels.harden --soft {input.soft}"
        " --recordings {input.recordings:q} --classes {input.classes:q} --threshold {params.threshold}"
        " --hard {output.hard} --thresholds {output.thresholds}"


if plan.trials:

    rule run_trials:
        output:
            quality="<results>/labels/trials/{trial}.tsv",
            reliability="<results>/labels/trials/{trial}.reliability.tsv",
        log:
            "<logs>/run_trials/{trial}.log",
        benchmark:
            "<benchmarks>/run_trials/{trial}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.trials"),
            config=as_json(plan.trial_settings()),
            crowd=as_json(config["data"]["demo"]["crowd"]),
            methods=as_json(plan.trial_methods()),
            seed=from_wildcards(plan.trial_seed, "trial"),
        message:
            "Run trial {wildcards.trial} of the label estimators on simulated crowds"
        shell:
            "python -m softsed --log {log} labels.trials --trial {wildcards.trial} --config {params.config:q}"
            " --crowd {params.crowd:q} --methods {params.methods:q} --seed {params.seed} --quality {output.quality}"
            " --reliability {output.reliability}"
