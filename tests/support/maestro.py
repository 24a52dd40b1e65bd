"""Archives with the names and the layout of MAESTRO Real, rendered from labels: recordings cannot be part of a test."""

import hashlib
import io
import zipfile

import numpy as np
import soundfile

from support.tsv import read_rows

RATE = 44100


def render(labels, classes, duration_s, *, wide, seed):
    """Return noise and a tone per class, whose level follows its soft label; stereo WAV of 16 or 24 bit, as bytes."""
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
    md5 = publish_annotations(folder, recordings, labels)
    archive = folder / "7244360" / "files" / "development_audio.zip"
    with zipfile.ZipFile(archive, "w") as audio:
        audio.writestr("development_audio/development_metadata.csv", "filename,duration\n")
        for seed, (name, scene, duration_s) in enumerate(recordings):
            wave = render(labels[name], classes, duration_s, wide=seed % 2, seed=seed)
            audio.writestr(f"development_audio/{scene}/{name}.wav", wave)
    md5["development_audio"] = {"md5": hashlib.md5(archive.read_bytes()).hexdigest()}
    return md5, publish_folds(folder, recordings, folds)


def publish_annotations(folder, recordings, labels):
    """Write the archive of annotations; return its entry of the config."""
    archive = folder / "7244360" / "files" / "development_annotation.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as annotation:
        for name, scene, _ in recordings:
            rows = sorted((second, label, value) for (second, label), value in labels[name].items() if value > 0)
            text = "".join(f"{second}\t{second + 1}\t{label}\t{value}\n" for second, label, value in rows)
            annotation.writestr(f"development_annotation/soft_labels_{scene}/{name}.txt", text)
    return {"development_annotation": {"md5": hashlib.md5(archive.read_bytes()).hexdigest()}}


def publish_folds(folder, recordings, folds):
    """Write the fold lists; return their hashes."""
    scene_of = {name: scene for name, scene, _ in recordings}
    hashes = {}
    (folder / "folds").mkdir()
    for (fold, part), names in folds.items():
        assert names, f"no recording in {part} of fold {fold}"
        text = "filename\n" + "".join(f"{scene_of[name]}/{name}\n" for name in names)
        (folder / "folds" / f"fold{fold}_{part}.csv").write_text(text)
        hashes[f"fold{fold}_{part}.csv"] = hashlib.sha256(text.encode()).hexdigest()
    return hashes


def read_published(path):
    """Read the published labels: recording -> (second, class) -> value above 0."""
    labels = {}
    for row in read_rows(path):
        cells = labels.setdefault(row.pop("filename").removesuffix(".wav"), {})
        second = int(row.pop("onset"))
        row.pop("offset")
        cells |= {(second, name): float(value) for name, value in row.items() if float(value) > 0}
    return labels
