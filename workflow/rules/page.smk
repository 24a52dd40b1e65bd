# report, continued: a page to look at the results and to listen to the recordings.


# Template, styles and scripts of the page, in the order in which they go into it.
PAGE = expand(
    "workflow/softsed/report/page/assets/{name}",
    name=["page.html", "vendor/uPlot.min.css", "page.css", "vendor/uPlot.iife.min.js"]
    + ["scoring.js", "tables.js", "curves.js", "timelines.js", "main.js"],
)


rule encode_recording:
    input:
        audio=from_wildcards(plan.audio_of, "recording"),
        features="<results>/features/{recording}.npz",
    output:
        sound="<results>/page/media/{recording}.mp3",
        picture="<results>/page/media/{recording}.webp",
    log:
        "<logs>/encode_recording/{recording}.log",
    benchmark:
        "<benchmarks>/encode_recording/{recording}.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.page.media"),
    message:
        "Make sound and picture of {wildcards.recording} for the page"
    shell:
        "python -m softsed --log {log} report.page.media --audio {input.audio:q} --features {input.features}"
        " --sound {output.sound} --picture {output.picture}"


rule make_page:
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
            table=["table1", "table2", "scores", "differences"] + (["truth"] if plan.truth else []),
        ),
        figure2="<results>/report/figure2.tsv",
        training="<results>/report/training.tsv",
        origin="<results>/report/origin.json",
        assets=PAGE,
    output:
        page="<results>/page/index.html",
    log:
        "<logs>/make_page.log",
    benchmark:
        "<benchmarks>/make_page.tsv"
    conda:
        "../../envs/softsed.yaml"
    params:
        *code("report.page.build"),
        results=results_folder,
        experiment=config["experiment"],
        config=as_json({key: config["evaluate"][key] for key in ("classes", "threshold", "trim")}),
        systems=plan.compared_systems,
        priors=plan.baselines,
    message:
        "Make the page of results"
    shell:
        "python -m softsed --log {log} report.page.build --predictions {params.results}/predictions"
        " --systems {params.systems:q} --priors {params.priors} --folds {input.folds}"
        " --soft {input.soft} --hard {input.hard} --classes {input.classes:q} --config {params.config:q}"
        " --tables {input.tables} --figure2 {input.figure2} --training {input.training} --origin {input.origin}"
        " --assets {input.assets} --experiment {params.experiment} --page {output.page}"
