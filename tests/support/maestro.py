"""Archives with the names and the layout of MAESTRO Real, rendered from labels: recordings cannot be part of a test."""

import hashlib
import io
import zipfile

import numpy as np
import soundfile

RATE = 44100


def render(labels, classes, duration_s, *, wide, seed):
    """Noise and a tone a class, as loud as its soft label; stereo WAV of 16 or 24 bit, as bytes."""
    samples = int(duration_s * RATE)
    rng = np.random.default_rng(seed)
    mono = 0.01 * rng.standard_normal(samples, dtype=np.float32)
    seconds = np.minimum(np.arange(samples) // RATE, max(second for second, _ in labels))
    time = np.arange(samples, dtype=np.float32) % RATE / RATE
    for index, name in enumerate(classes):
        level = np.zeros(seconds.max() + 1, np.float32)
        for (second, label), value in labels.items():
            if label == name:
                level[second] = value
        if level.any():
            mono += 0.04 * level[seconds] * np.sin(2 * np.pi * 200 * 1.2**index * time, dtype=np.float32)
    file = io.BytesIO()
    soundfile.write(file, np.stack([mono, -0.5 * mono], axis=1), RATE, "PCM_24" if wide else "PCM_16", format="WAV")
    return file.getvalue()


def publish(folder, recordings, labels, folds, classes):
    """Write the two development archives and the fold lists; return the sections of the config that name them."""
    archives = folder / "7244360" / "files"
    archives.mkdir(parents=True)
    with (
        zipfile.ZipFile(archives / "development_audio.zip", "w") as audio,
        zipfile.ZipFile(archives / "development_annotation.zip", "w", zipfile.ZIP_DEFLATED) as annotation,
    ):
        audio.writestr("development_audio/development_metadata.csv", "filename,duration\n")
        for seed, (name, scene, duration_s) in enumerate(recordings):
            wave = render(labels[name], classes, duration_s, wide=seed % 2, seed=seed)
            audio.writestr(f"development_audio/{scene}/{name}.wav", wave)
            rows = sorted((second, label, value) for (second, label), value in labels[name].items() if value > 0)
            text = "".join(f"{second}\t{second + 1}\t{label}\t{value}\n" for second, label, value in rows)
            annotation.writestr(f"development_annotation/soft_labels_{scene}/{name}.txt", text)
    scene_of = {name: scene for name, scene, _ in recordings}
    hashes = {}
    (folder / "folds").mkdir()
    for (fold, part), names in folds.items():
        assert names, f"no recording in {part} of fold {fold}"
        text = "filename\n" + "".join(f"{scene_of[name]}/{name}\n" for name in names)
        (folder / "folds" / f"fold{fold}_{part}.csv").write_text(text)
        hashes[f"fold{fold}_{part}.csv"] = hashlib.sha256(text.encode()).hexdigest()
    md5 = {
        key: {"md5": hashlib.md5((archives / f"{key}.zip").read_bytes()).hexdigest()}
        for key in ("development_audio", "development_annotation")
    }
    return md5, hashes
