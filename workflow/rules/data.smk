# data: the recordings, with opinions (demo) or published soft labels (MAESTRO Real); one's own, with labels or opinions;
# or opinions of one's own alone.


if config["data"]["source"] == "demo":

    rule data:
        input:
            expand("<results>/data/audio/{recording}.wav", recording=RECORDINGS),
            expand("<results>/data/opinions.tsv"),

    rule render_recording:
        input:
            # What a recording holds depends on those listed before it, in `params`, not on the whole table.
            recordings=ancient(config["recordings"]),
            classes=config["classes"],
            scenes=config["scenes"],
            events=config["data"]["demo"]["events"],
            backgrounds=config["data"]["demo"]["backgrounds"],
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
            seed=derive_seed("demo"),
            listed=lambda wildcards: listed_until(wildcards.recording),
        message:
            "Render {wildcards.recording}"
        shell:
            "python -m softsed --log {log} data.render --recording {wildcards.recording} --recordings {input.recordings:q}"
            " --classes {input.classes:q} --scenes {input.scenes:q} --specification {input.events:q}"
            " --backgrounds {input.backgrounds:q} --config {params.config:q} --seed {params.seed} --audio {output.audio} --truth {output.truth}"

    rule simulate_annotators:
        input:
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
            truth=expand("<results>/data/truth/{recording}.tsv", recording=RECORDINGS),
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
            seed=derive_seed("annotators"),
        message:
            "Ask simulated annotators about windows of every recording"
        shell:
            "python -m softsed --log {log} data.simulate --truth {params.results}/data/truth"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --config {params.config:q} --seed {params.seed} --opinions {output.opinions}"

elif OWN:

    # Options of the step that describe the dataset.
    DATASET = " ".join(
        f"--{name} {shlex.quote(str(path))}"
        for name, path in ({"audio": config["audio"], KIND: LABELS} | GIVEN).items()
        if path
    )

    rule data:
        input:
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],

    # The dataset is checked before anything is planned, see common.smk: this rule only completes the tables.
    rule check:
        input:
            rules.data.input,

    rule survey_dataset:
        input:
            audio=list(AUDIO.values()),
            labels=[str(path) for path in sorted(LABELS.glob("*.txt"))] if LABELS.is_dir() else str(LABELS),
            tables=[path for path in GIVEN.values() if path],
        output:
            recordings="<results>/data/recordings.tsv",
            classes="<results>/data/classes.tsv",
            scenes="<results>/data/scenes.tsv",
            dataset="<results>/data/dataset.json",
        log:
            "<logs>/survey_dataset.log",
        benchmark:
            "<benchmarks>/survey_dataset.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.infer_tables"),
            *content(LABELS, *given_tables()),
            results=results_folder,
            dataset=DATASET,
        message:
            "Infer the tables of recordings, classes and scenes from the dataset"
        shell:
            "python -m softsed --log {log} data.infer_tables {params.dataset} --tables {params.results}/data"

elif OWN_OPINIONS:

    rule data:
        input:
            opinions=OPINIONS,
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],

    rule survey_opinions:
        input:
            opinions=OPINIONS,
        output:
            recordings="<results>/data/recordings.tsv",
            classes="<results>/data/classes.tsv",
            scenes="<results>/data/scenes.tsv",
        log:
            "<logs>/survey_opinions.log",
        benchmark:
            "<benchmarks>/survey_opinions.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            *code("data.infer_tables"),
            *own_content(),
            results=results_folder,
        message:
            "Infer the tables of recordings, classes and scenes from the opinions"
        shell:
            "python -m softsed --log {log} data.infer_tables --opinions {input.opinions:q} --tables {params.results}/data"

else:

    MAESTRO = config["data"]["maestro_real"]
    RECEIPTS = {
        name: ancient_if_recorded(f"<results>/data/archives/{name}-{archive['md5'][:8]}.md5")
        for name, archive in MAESTRO["archives"].items()
    }

    rule data:
        input:
            expand("<results>/data/audio/{recording}.wav", recording=RECORDINGS),
            expand("<results>/data/published/{recording}.txt", recording=RECORDINGS),
            expand("<results>/data/evaluation.tsv") if MAESTRO["evaluation"] else [],

    # On a cluster the download runs where Snakemake itself does: compute nodes often have no way to the internet.
    localrules:
        fetch_archive,

    # An archive is no output: a download that broke off goes on from where it was, all experiments share it, and it may
    # be deleted when it has been unpacked. Its receipt stays, ancient for what is unpacked from it: fetching once more,
    # for a new recording, unpacks only this recording. The md5 in the receipt's name says what is fetched; whence, under
    # which name and by which code are resources or nothing, not parameters, so that a mirror reruns nothing. Above all,
    # no receipt that is there may be a reason to fetch: while this rule runs for one, what depends on it by ancient()
    # does not run for a change of its own, not even where it is missing, and the run ends well (Snakemake 9.27.1).
    # Therefore one that Snakemake had no time to record, and will make anew, is not ancient.
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
            address=MAESTRO["address"],
            archive=lambda wildcards: as_json(MAESTRO["archives"][wildcards.archive]),
        message:
            "Fetch {wildcards.archive} of MAESTRO Real"
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
            scene=lambda wildcards: scene_of(wildcards.recording),
        message:
            "Unpack {wildcards.recording}"
        shell:
            "python -m softsed --log {log} data.maestro_real unpack --receipt {input.receipt} --recording {wildcards.recording}"
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
            scene=lambda wildcards: scene_of(wildcards.recording),
        message:
            "Unpack the published labels of {wildcards.recording}"
        shell:
            "python -m softsed --log {log} data.maestro_real unpack --receipt {input.receipt} --recording {wildcards.recording}"
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
