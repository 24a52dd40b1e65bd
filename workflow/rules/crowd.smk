# labels, continued: agreement and size of the crowd, the questions to ask next, and a page about the crowd.


if plan.from_opinions:

    rule measure_agreement:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
        output:
            agreement="<results>/labels/agreement.tsv",
            annotators="<results>/labels/annotators.tsv",
        log:
            "<logs>/measure_agreement.log",
        benchmark:
            "<benchmarks>/measure_agreement.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.agreement"),
            *plan.user.content(),
            unticked=config["unticked"],
        message:
            "Measure the agreement of the annotators"
        shell:
            "python -m softsed --log {log} labels.agreement --opinions {input.opinions:q} --unticked {params.unticked}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --agreement {output.agreement} --annotators {output.annotators}"

    rule measure_crowd_size:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
            competence="<results>/labels/{method}/competence.tsv",
            soft="<results>/labels/{method}/soft.tsv",
            hard="<results>/labels/{method}/hard.tsv",
            truth=plan.truth,
        output:
            table="<results>/labels/{method}/crowd_size.tsv",
        log:
            "<logs>/measure_crowd_size/{method}.log",
        benchmark:
            "<benchmarks>/measure_crowd_size/{method}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.crowd_size"),
            unticked=config["unticked"],
            truth=plan.truth_option,
            config=from_wildcards(plan.estimator, "method"),
            threshold=from_wildcards(plan.threshold, "method"),
            sizes=config["labels"]["crowd_sizes"],
            draws=config["labels"]["draws"],
            seed=plan.derive_seed("crowd_size"),
        message:
            "Compare labels ({wildcards.method}) from fewer annotators"
        shell:
            "python -m softsed --log {log} labels.crowd_size measure --opinions {input.opinions:q}"
            " --unticked {params.unticked} --recordings {input.recordings:q} --classes {input.classes:q}"
            " --scenes {input.scenes:q} --config {params.config:q} --threshold {params.threshold}"
            " --sizes {params.sizes} --draws {params.draws} --seed {params.seed} --competence {input.competence}"
            " {params.truth} --soft {input.soft} --hard {input.hard} --output {output.table}"

    rule collect_crowd_sizes:
        input:
            tables=expand("<results>/labels/{method}/crowd_size.tsv", method=plan.methods),
        output:
            table="<results>/labels/crowd_size.tsv",
        log:
            "<logs>/collect_crowd_sizes.log",
        benchmark:
            "<benchmarks>/collect_crowd_sizes.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.crowd_size"),
        message:
            "Collect the comparisons of labels from fewer annotators"
        shell:
            "python -m softsed --log {log} labels.crowd_size collect --tables {input.tables} --output {output.table}"

    if plan.asks:

        rule ask_questions:
            input:
                opinions=plan.opinions,
                recordings=plan.tables["recordings"],
                classes=plan.tables["classes"],
                scenes=plan.tables["scenes"],
            output:
                questions="<results>/labels/questions.tsv",
                annotators="<results>/labels/worth.tsv",
                summary="<results>/labels/questions.json",
            log:
                "<logs>/ask_questions.log",
            benchmark:
                "<benchmarks>/ask_questions.tsv"
            conda:
                "../../envs/softsed.yaml"
            params:
                *code("labels.questions"),
                *plan.user.content(),
                unticked=config["unticked"],
                class_weight=config["labels"]["joint"]["class_weight"],
            message:
                "Choose the questions to ask the crowd next"
            shell:
                "python -m softsed --log {log} labels.questions --opinions {input.opinions:q} --unticked {params.unticked}"
                " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
                " --share 0.1 --hop 1 --class-weight {params.class_weight} --questions {output.questions} --annotators {output.annotators}"
                " --summary {output.summary}"

    rule make_crowd_page:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
            competence=expand("<results>/labels/{method}/competence.tsv", method=plan.methods),
            soft=plan.labels("soft", plan.methods),
            hard=plan.labels("hard", plan.methods),
            truth=plan.truth,
            agreement="<results>/labels/agreement.tsv",
            annotators="<results>/labels/annotators.tsv",
            crowd_size="<results>/labels/crowd_size.tsv",
            questions="<results>/labels/questions.json" if plan.asks else [],
            templates=[
                workflow_file("workflow/softsed/labels/templates/crowd_page.html.j2"),
                workflow_file("workflow/softsed/core/templates/base.html.j2"),
            ],
        output:
            page=report(
                "<results>/labels/page.html",
                caption="../report/crowd_page.rst",
                category="Labels",
                labels={"content": "Crowd page", "type": "page"},
            ),
        log:
            "<logs>/make_crowd_page.log",
        benchmark:
            "<benchmarks>/make_crowd_page.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("labels.crowd_page"),
            unticked=config["unticked"],
            results=results_folder,
            experiment=config["experiment"],
            truth=plan.truth_option,
            questions=lambda _, input: f"--questions {input.questions}" if input.questions else "",
            methods=plan.methods,
        message:
            "Build the page about the crowd"
        shell:
            "python -m softsed --log {log} labels.crowd_page --opinions {input.opinions:q} --unticked {params.unticked}"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --labels {params.results}/labels --methods {params.methods} --agreement {input.agreement}"
            " --annotators {input.annotators} --crowd-size {input.crowd_size} {params.questions} {params.truth}"
            " --experiment {params.experiment} --templates {input.templates:q} --page {output.page}"
