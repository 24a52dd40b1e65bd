"""Features of one recording (stereo, 24 bit, noise) against librosa's, on one core.

The job is the command that Snakemake starts for a recording. The reference is a process with `librosa.load`, the
logarithm of `librosa.feature.melspectrogram` at the same settings, and `numpy.savez`. The parts are timed in processes
that have imported everything and have computed each part once. Softsed and librosa run in turn, and their outputs are
compared. Times are CPU times, which other work on the machine hardly changes.

    python benchmarks/features.py results/benchmarks/features.tsv
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import yaml
from measure import ROOT, build_parser, in_turn, run, spread, use_one_core, write

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["features"]
COLUMNS = ["recording", "part", "seconds", "librosa_seconds", "times_as_fast", "least", "most"]
COLUMNS += ["frames_per_second", "peak_mb", "librosa_peak_mb", "log_difference", "runs"]

LIBROSA = """
import json, sys
import librosa, numpy as np
audio, output, config = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
def read():
    return librosa.load(audio, sr=config["sample_rate"], mono=True)[0]
def transform(signal):
    mel = librosa.feature.melspectrogram(
        y=signal, sr=config["sample_rate"], n_fft=config["window"], power=config["power"], n_mels=config["mel_bands"],
        hop_length=round(config["sample_rate"] * config["hop_s"]), fmin=config["f_min"], fmax=config["f_max"])
    return np.log(np.maximum(mel, config["log_floor"])).T
"""
LIBROSA_JOB = LIBROSA + "np.savez(output, mel=transform(read()))\n"
OURS = """
import json, sys
import numpy as np
from pathlib import Path
from softsed.core.audio import read_audio
from softsed.features.extract import mel_energies
audio, bank, config = Path(sys.argv[1]), np.load(sys.argv[2])["filterbank"], json.loads(sys.argv[3])
def read():
    return np.concatenate(list(read_audio(audio, config["sample_rate"])))
def transform(signal):
    return mel_energies([signal], bank, config)
"""
PARTS = """
import time
def clock(step, *given):
    step(*given)
    start = time.process_time()
    step(*given)
    return time.process_time() - start
print(json.dumps({"reading": clock(read), "transform": clock(transform, read())}))
"""
COMPARE = """
import sys
import numpy as np
one, other = (np.load(path)["mel"] for path in sys.argv[1:])
print(len(one), np.abs(one - other).max())
"""


def write_noise(path: Path, seconds: int, rate: int) -> None:
    """Write noise in pieces of one second, so that this process stays small."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", rate, channels=2, subtype="PCM_24") as file:
        for _ in range(seconds):
            file.write(rng.normal(0, 0.1, (rate, 2)).clip(-1, 1))


def time_job(audio: Path, bank: Path, times: int) -> list:
    """Time the whole job, and compare its output with librosa's."""
    mine, theirs, config = audio.with_suffix(".npz"), audio.with_suffix(".librosa.npz"), json.dumps(CONFIG)
    softsed = ["-m", "softsed", "features.extract", "--config", config, "--filterbank", bank, "--audio", audio]
    pairs = in_turn(
        [sys.executable, *softsed, "--output", mine],
        [sys.executable, "-c", LIBROSA_JOB, audio, theirs, config],
        times,
    )
    frames, difference = run(sys.executable, "-c", COMPARE, mine, theirs).printed.split()
    seconds, librosa = ([pair[i].cpu for pair in pairs] for i in (0, 1))
    peaks = [max(pair[i].peak_mb for pair in pairs) for i in (0, 1)]
    return [*compare(seconds, librosa, int(frames)), *peaks, float(difference), times]


def compare(seconds: list[float], librosa: list[float], frames: int) -> list[float]:
    """Return the seconds of both, the spread of their ratios, and frames per second."""
    middle = statistics.median(seconds)
    ratios = spread([b / a for a, b in zip(seconds, librosa, strict=True)])
    return [middle, statistics.median(librosa), *ratios, frames / middle]


def time_parts(audio: Path, bank: Path, times: int) -> dict[str, list]:
    """Time reading and transform without start-up."""
    ours = [sys.executable, "-c", OURS + PARTS, audio, bank, json.dumps(CONFIG)]
    theirs = [sys.executable, "-c", LIBROSA + PARTS, audio, "", json.dumps(CONFIG)]
    pairs = [[json.loads(found.printed) for found in pair] for pair in in_turn(ours, theirs, times)]
    frames = 1 + round(soundfile.info(audio).duration / CONFIG["hop_s"])
    return {
        part: [*compare([p[0][part] for p in pairs], [p[1][part] for p in pairs], frames), "", "", "", times]
        for part in pairs[0][0]
    }


def main() -> None:
    """Measure and write the table."""
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=5, help="measurements of each command (default: 5)")
    options = parser.parse_args()
    sizes = [(4, 44100), (4, 48000), (60, 44100), (60, 48000)]  # minutes, Hz
    if options.smoke:
        sizes, options.times = [(0.05, 44100)], 1
    use_one_core()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        bank, audio = Path(scratch) / "bank.npz", Path(scratch) / "a.wav"
        run(sys.executable, "-m", "softsed", "features.extract", "--config", json.dumps(CONFIG), "--filterbank", bank)
        for minutes, rate in sizes:
            recording = f"{minutes} min, {rate / 1000:g} kHz"
            write_noise(audio, round(60 * minutes), rate)
            rows.append([recording, "the whole job", *time_job(audio, bank, options.times)])
            if (minutes, rate) == sizes[0]:
                rows += [[recording, part, *found] for part, found in time_parts(audio, bank, options.times).items()]
            write(options.output, COLUMNS, rows)


if __name__ == "__main__":
    main()
