# data: the recordings, with opinions (demo) or published soft labels (MAESTRO Real); or opinions of one's own alone.


if config["data"]["source"] == "demo":

    rule data:
        input:
            all_of("results/{experiment}/data/audio/{recording}.wav", recording=RECORDINGS),
            all_of("results/{experiment}/data/opinions.tsv"),

    rule render_recording:
        input:
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
            events=config["data"]["demo"]["events"],
            backgrounds=config["data"]["demo"]["backgrounds"],
        output:
            audio="results/{experiment}/data/audio/{recording}.wav",
            truth="results/{experiment}/data/truth/{recording}.tsv",
        log:
            "results/{experiment}/logs/render_recording/{recording}.log",
        benchmark:
            "results/{experiment}/benchmarks/render_recording/{recording}.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            code=code("demo"),
            config=as_json(config["data"]["demo"]["level"]),
            seed=derive_seed("demo"),
        message:
            "Render {wildcards.recording}"
        shell:
            "python -m softsed --log {log} demo --recording {wildcards.recording} --recordings {input.recordings:q}"
            " --classes {input.classes:q} --scenes {input.scenes:q} --specification {input.events:q}"
            " --backgrounds {input.backgrounds:q} --config {params.config:q} --seed {params.seed} --audio {output.audio} --truth {output.truth}"

    rule simulate_annotators:
        input:
            recordings=config["recordings"],
            classes=config["classes"],
            scenes=config["scenes"],
            truth=all_of("results/{experiment}/data/truth/{recording}.tsv", recording=RECORDINGS),
        output:
            opinions="results/{experiment}/data/opinions.tsv",
        log:
            "results/{experiment}/logs/simulate_annotators.log",
        benchmark:
            "results/{experiment}/benchmarks/simulate_annotators.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            code=code("annotators"),
            config=as_json(config["data"]["demo"]["crowd"]),
            seed=derive_seed("annotators"),
        message:
            "Ask simulated annotators about windows of every recording"
        shell:
            "python -m softsed --log {log} annotators --truth results/{wildcards.experiment}/data/truth"
            " --recordings {input.recordings:q} --classes {input.classes:q} --scenes {input.scenes:q}"
            " --config {params.config:q} --seed {params.seed} --opinions {output.opinions}"

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
            recordings="results/{experiment}/data/recordings.tsv",
            classes="results/{experiment}/data/classes.tsv",
            scenes="results/{experiment}/data/scenes.tsv",
        log:
            "results/{experiment}/logs/survey_opinions.log",
        benchmark:
            "results/{experiment}/benchmarks/survey_opinions.tsv"
        conda:
            "../../envs/softsed.yaml"
        params:
            code=code("survey"),
        message:
            "Read recordings, classes and scenes off the opinions"
        shell:
            "python -m softsed --log {log} survey --opinions {input.opinions:q} --recordings {output.recordings}"
            " --classes {output.classes} --scenes {output.scenes}"

else:

    MAESTRO = config["data"]["maestro_real"]

    rule data:
        input:
            all_of("results/{experiment}/data/audio/{recording}.wav", recording=RECORDINGS),
            all_of("results/{experiment}/data/published/{recording}.txt", recording=RECORDINGS),
            all_of("results/{experiment}/data/evaluation.tsv") if MAESTRO["evaluation"] else [],

    # On a cluster these run where Snakemake itself does: compute nodes often have no way to the internet.
    localrules:
        fetch_maestro,
        fetch_evaluation,

    # The archives stay in the folder data/archives without being outputs: a download that broke off goes on from
    # where it was, and 98 outputs do not each wait for the checksum of gigabytes. The address is a resource, not a
    # parameter: the checksums say what is fetched, and a mirror reruns nothing.
    rule fetch_maestro:
        input:
            recordings=config["recordings"],
        output:
            audio=expand("results/{{experiment}}/data/audio/{recording}.wav", recording=RECORDINGS),
            published=expand("results/{{experiment}}/data/published/{recording}.txt", recording=RECORDINGS),
        log:
            "results/{experiment}/logs/fetch_maestro.log",
        benchmark:
            "results/{experiment}/benchmarks/fetch_maestro.tsv"
        conda:
            "../../envs/softsed.yaml"
        resources:
            address=MAESTRO["address"],
        params:
            code=code("maestro"),
            config=as_json(
                {name: archive for name, archive in MAESTRO["archives"].items() if name.startswith("development")}
            ),
        message:
            "Fetch and unpack MAESTRO Real"
        shell:
            "python -m softsed --log {log} maestro --recordings {input.recordings:q} --config {params.config:q}"
            " --address {resources.address:q}"
            " --archives results/{wildcards.experiment}/data/archives"
            " --audio results/{wildcards.experiment}/data/audio"
            " --published results/{wildcards.experiment}/data/published"

    rule fetch_evaluation:
        output:
            found="results/{experiment}/data/evaluation.tsv",
        log:
            "results/{experiment}/logs/fetch_evaluation.log",
        benchmark:
            "results/{experiment}/benchmarks/fetch_evaluation.tsv"
        conda:
            "../../envs/softsed.yaml"
        resources:
            address=MAESTRO["address"],
        params:
            code=code("maestro"),
            config=as_json({"evaluation_audio": MAESTRO["archives"]["evaluation_audio"]}),
        message:
            "Fetch and unpack the evaluation recordings of MAESTRO Real"
        shell:
            "python -m softsed --log {log} maestro --evaluation {output.found} --config {params.config:q}"
            " --address {resources.address:q}"
            " --archives results/{wildcards.experiment}/data/archives"
            " --audio results/{wildcards.experiment}/data/evaluation"
