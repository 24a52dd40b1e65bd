# data: recordings with opinions of simulated annotators (demo) or with published soft labels (MAESTRO Real); or tables of
# user-provided recordings with labels or opinions, or of user-provided opinions without audio.


if plan.source == "demo":

    rule data:
        input:
            expand("<results>/data/audio/{recording}.wav", recording=plan.recordings),
            expand("<results>/data/opinions.tsv"),

    rule render_recording:
        input:
            # A recording depends on the recordings listed before it, a parameter, and not on the whole table.
            recordings=ancient(plan.tables["recordings"]),
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
            events=plan.config["data"]["demo"]["events"],
            backgrounds=plan.config["data"]["demo"]["backgrounds"],
        output:
            audio="<results>/data/audio/{recording}.wav",
            truth="<results>/data/truth/{recording}.tsv",
        log:
            "<logs>/render_recording/{recording}.log",
        benchmark:
            "<benchmarks>/render_recording/{recording}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.render"),
            config=as_json(config["data"]["demo"]["level"]),
            seed=plan.derive_seed("demo"),
            listed=from_wildcards(plan.listed_until, "recording"),
            recording=from_wildcards(plan.name_of, "recording"),
        message:
            "Render {params.recording}"
        shell:
            "python -m softsed --log {log} data.render --recording={params.recording:q} --recordings {input.recordings:q}"
            " --classes {input.classes:q} --scenes {input.scenes:q} --specification {input.events:q}"
            " --backgrounds {input.backgrounds:q} --config {params.config:q} --seed {params.seed} --audio {output.audio} --truth {output.truth}"

    rule simulate_annotators:
        input:
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],
            truth=expand("<results>/data/truth/{recording}.tsv", recording=plan.recordings),
        output:
            opinions="<results>/data/opinions.tsv",
        log:
            "<logs>/simulate_annotators.log",
        benchmark:
            "<benchmarks>/simulate_annotators.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.simulate"),
            results=results_folder,
            config=as_json(config["data"]["demo"]["crowd"]),
            seed=plan.derive_seed("annotators"),
        message:
            "Simulate the annotation of all recordings"
        shell:
            "python -m softsed --log {log} data.simulate --truth {params.results}/data/truth"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --config {params.config:q} --seed {params.seed} --opinions {output.opinions}"

elif plan.source == "own":

    rule data:
        input:
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],

    # The plan has checked the dataset before this rule can run, see planning/plan.py.
    rule check:
        input:
            rules.data.input,

    rule infer_tables:
        input:
            audio=list(plan.user.audio.values()),
            labels=plan.user.label_files(),
            tables=list(plan.user.tables.values()),
        output:
            recordings="<results>/data/recordings.tsv",
            classes="<results>/data/classes.tsv",
            scenes="<results>/data/scenes.tsv",
            dataset="<results>/data/dataset.json",
        log:
            "<logs>/infer_tables.log",
        benchmark:
            "<benchmarks>/infer_tables.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.infer_tables"),
            *plan.user.content(),
            results=results_folder,
            dataset=plan.user.options(),
        message:
            "Infer the tables of recordings, classes and scenes from the dataset"
        shell:
            "python -m softsed --log {log} data.infer_tables {params.dataset} --tables {params.results}/data"

elif plan.source == "opinions":

    rule data:
        input:
            opinions=plan.opinions,
            recordings=plan.tables["recordings"],
            classes=plan.tables["classes"],
            scenes=plan.tables["scenes"],

    rule infer_tables:
        input:
            opinions=plan.opinions,
            tables=list(plan.user.tables.values()),
        output:
            recordings="<results>/data/recordings.tsv",
            classes="<results>/data/classes.tsv",
            scenes="<results>/data/scenes.tsv",
            dataset="<results>/data/dataset.json",
        log:
            "<logs>/infer_tables.log",
        benchmark:
            "<benchmarks>/infer_tables.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.infer_tables"),
            *plan.user.content(),
            results=results_folder,
            dataset=plan.user.options(),
        message:
            "Infer the tables of recordings, classes and scenes from the opinions"
        shell:
            "python -m softsed --log {log} data.infer_tables {params.dataset} --tables {params.results}/data"

else:

    MAESTRO = config["data"]["maestro_real"]
    RECEIPTS = {
        name: ancient_if_recorded(f"<results>/data/archives/{name}-{archive['md5'][:8]}.md5")
        for name, archive in MAESTRO["archives"].items()
    }

    rule data:
        input:
            expand("<results>/data/audio/{recording}.wav", recording=plan.recordings),
            expand("<results>/data/published/{recording}.txt", recording=plan.recordings),
            expand("<results>/data/evaluation.tsv") if MAESTRO["evaluation"] else [],

    # On a cluster the download runs on the node of Snakemake itself: compute nodes often have no internet access.
    localrules:
        fetch_archive,

    # An archive is not an output, because an interrupted download resumes, all experiments share the archive, and users
    # may delete it after unpacking. Its receipt stays, and is ancient for the rules that unpack: if the archive is fetched
    # again for a new recording, only this recording is unpacked. The md5 in the name of the receipt identifies the
    # archive. The rule has no parameters, so that its address, its name and the code of the download rerun nothing.
    rule fetch_archive:
        output:
            receipt="<results>/data/archives/{archive}-{md5}.md5",
        log:
            "<logs>/fetch_archive/{archive}-{md5}.log",
        benchmark:
            "<benchmarks>/fetch_archive/{archive}-{md5}.tsv"
        wildcard_constraints:
            archive="|".join(MAESTRO["archives"]),
            md5="[0-9a-f]{8}",
        conda:
            "../../envs/softsed.yaml"
        resources:
            **untracked(
                address=MAESTRO["address"],
                archive=from_wildcards(MAESTRO["archives"].get, "archive"),
            ),
        message:
            "Download {wildcards.archive} of MAESTRO Real"
        shell:
            "python -m softsed --log {log} data.maestro_real fetch --archive {resources.archive:q} --address {resources.address:q}"
            " --archives results/archives --receipt {output.receipt}"

    rule unpack_recording:
        input:
            receipt=RECEIPTS["development_audio"],
        output:
            audio="<results>/data/audio/{recording}.wav",
        log:
            "<logs>/unpack_recording/{recording}.log",
        benchmark:
            "<benchmarks>/unpack_recording/{recording}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.maestro_real"),
            md5=MAESTRO["archives"]["development_audio"]["md5"],
            scene=from_wildcards(plan.scene_of, "recording"),
            recording=from_wildcards(plan.name_of, "recording"),
        message:
            "Unpack {params.recording}"
        shell:
            "python -m softsed --log {log} data.maestro_real unpack --receipt {input.receipt} --recording={params.recording:q}"
            " --scene {params.scene:q} --output {output.audio}"

    rule unpack_labels:
        input:
            receipt=RECEIPTS["development_annotation"],
        output:
            published="<results>/data/published/{recording}.txt",
        log:
            "<logs>/unpack_labels/{recording}.log",
        benchmark:
            "<benchmarks>/unpack_labels/{recording}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.maestro_real"),
            md5=MAESTRO["archives"]["development_annotation"]["md5"],
            scene=from_wildcards(plan.scene_of, "recording"),
            recording=from_wildcards(plan.name_of, "recording"),
        message:
            "Unpack the published labels of {params.recording}"
        shell:
            "python -m softsed --log {log} data.maestro_real unpack --receipt {input.receipt} --recording={params.recording:q}"
            " --scene {params.scene:q} --output {output.published}"

    rule unpack_evaluation:
        input:
            receipt=RECEIPTS["evaluation_audio"],
        output:
            found="<results>/data/evaluation.tsv",
        log:
            "<logs>/unpack_evaluation.log",
        benchmark:
            "<benchmarks>/unpack_evaluation.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.maestro_real"),
            results=results_folder,
            md5=MAESTRO["archives"]["evaluation_audio"]["md5"],
        message:
            "Unpack the evaluation recordings of MAESTRO Real"
        shell:
            "python -m softsed --log {log} data.maestro_real evaluation --receipt {input.receipt} --found {output.found}"
            " --audio {params.results}/data/evaluation"
