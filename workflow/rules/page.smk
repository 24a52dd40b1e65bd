# report, continued: a page that shows the results and plays the recordings.


PAGE = workflow_file("workflow/softsed/report/page")
PAGE_ASSETS = expand(
    f"{PAGE}/assets/{{name}}",
    name=["page.css", "scoring.js", "tables.js", "curves.js", "timelines.js", "main.js"]
    + ["vendor/uPlot.min.css", "vendor/uPlot.iife.min.js"],
)


rule make_media:
    input:
        audio=from_wildcards(plan.audio_of, "recording"),
        features="<results>/features/{recording}.npz",
    output:
        sound="<results>/page/media/{recording}.mp3",
        picture="<results>/page/media/{recording}.webp",
    log:
        "<logs>/make_media/{recording}.log",
    benchmark:
        "<benchmarks>/make_media/{recording}.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.page.media"),
    message:
        "Make sound and picture of {input.audio} for the results page"
    shell:
        "python -m softsed --log {log} report.page.media --audio={input.audio:q} --features {input.features}"
        " --sound {output.sound} --picture {output.picture}"


rule build_page:
    input:
        predictions=expand(
            "<results>/predictions/{system}/run1/fold{fold}.tsv", system=plan.compared_systems, fold=plan.folds
        ),
        folds=expand("<results>/folds/fold{fold}.tsv", fold=plan.folds),
        soft=plan.labels("soft"),
        hard=plan.labels("hard"),
        classes=plan.tables["classes"],
        tables=expand(
            "<results>/report/{table}.tsv",
            table=["table1", "table2", "intervals", "differences"] + (["truth"] if plan.truth else []),
        ),
        figure2="<results>/report/figure2.tsv",
        training="<results>/report/training.tsv",
        origin="<results>/report/origin.json",
        audio="<results>/features/audio.tsv",
        templates=checked(list_templates, f"{PAGE}/templates/index.html.j2"),
        assets=PAGE_ASSETS,
    output:
        page=report(
            "<results>/page/index.html",
            caption="../report/results_page.rst",
            category="Results",
            labels={"content": "Results page", "type": "page"},
        ),
    log:
        "<logs>/build_page.log",
    benchmark:
        "<benchmarks>/build_page.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.page.build"),
        results=results_folder,
        experiment=config["experiment"],
        config=as_json({key: config["evaluate"][key] for key in ("classes", "threshold", "trim")}),
        systems=plan.compared_systems,
        priors=plan.baselines,
        f_max=config["features"]["f_max"],
    message:
        "Build the results page"
    shell:
        "python -m softsed --log {log} report.page.build --predictions {params.results}/predictions"
        " --systems {params.systems:q} --priors {params.priors} --folds {input.folds}"
        " --soft {input.soft} --hard {input.hard} --classes {input.classes:q} --config {params.config:q}"
        " --tables {input.tables} --figure2 {input.figure2} --training {input.training} --origin {input.origin}"
        " --audio {input.audio} --f-max {params.f_max} --templates {input.templates:q} --assets {input.assets:q}"
        " --experiment {params.experiment} --page {output.page}"
