"""`snakemake data` for MAESTRO Real if the download, an archive or the disk fails: messages, remaining files, and the
same command again. Two recordings, archives of the published names and layout, a local server.
"""

import base64
import hashlib
import os
import random
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
import yaml
from support.project import INTERRUPTIBLE, copy_project, environment, planned, snakemake
from support.server import serve
from support.small_disk import small_disk

RECORDINGS = {"cafe_restaurant_00": "cafe_restaurant", "metro_station_00": "metro_station"}
SOUND = {name: random.Random(name).randbytes(150_000) for name in RECORDINGS}
CONFIGURATION = ["--configfile", "served.yaml"]
RESULTS = Path("results/served")
EVERYTHING = sorted(
    [f"results/archives/7244360/development_{kind}.zip" for kind in ("annotation", "audio")]
    + [f"results/served/data/audio/{name}.wav" for name in RECORDINGS]
    + [f"results/served/data/published/{name}.txt" for name in RECORDINGS]
)
AUDIO_ZIP = "results/archives/7244360/development_audio.zip"


def publish(folder, *, also=()):
    """Write the development archives as Zenodo serves them and return the section of the config that names them."""
    files = folder / "7244360" / "files"
    files.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(files / "development_audio.zip", "w") as audio:
        for name in also:
            audio.writestr(name, b"evil")
        for name, scene in RECORDINGS.items():
            audio.writestr(f"development_audio/{scene}/{name}.wav", SOUND[name])
    with zipfile.ZipFile(files / "development_annotation.zip", "w") as annotation:
        for name, scene in RECORDINGS.items():
            text = "0\t1\tpeople talking\t0.25\n"
            annotation.writestr(f"development_annotation/soft_labels_{scene}/{name}.txt", text)
    return {
        path.stem: {"md5": hashlib.md5(path.read_bytes()).hexdigest()}
        for path in sorted(files.glob("development_*.zip"))
    }


def configure(project, address, archives):
    table = "".join(f"{name}\t{scene}\t1.0\n" for name, scene in RECORDINGS.items())
    (project / "recordings.tsv").write_text(f"recording\tscene\tduration_s\n{table}")
    config = {"experiment": "served", "recordings": "recordings.tsv"}
    config["data"] = {"maestro_real": {"address": address, "archives": archives}}
    (project / "served.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / "project")


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "served").mkdir()
    with serve(tmp_path / "served") as server:
        yield server


def bring(project, *arguments, fails=False):
    return snakemake(project, "data", *arguments, configuration=CONFIGURATION, fails=fails)


def receipts(project):
    return sorted(path.name.partition("-")[0] for path in (project / RESULTS / "data/archives").glob("*.md5"))


def data(project):
    """List the files of the data, complete or not: archives, parts, recordings and labels, without the receipts."""
    found = [path for place in ("archives", "served/data") for path in (project / "results" / place).rglob("*")]
    return sorted(
        str(path.relative_to(project)) for path in found if path.is_file() and path.suffix not in (".lock", ".md5")
    )


def test_wrong_and_missing_archives(project, server, tmp_path):
    archives = publish(tmp_path / "served")
    configure(project, server.address, archives)
    annotation = tmp_path / "served/7244360/files/development_annotation.zip"
    annotation.rename(tmp_path / "aside")
    server.truncate_to = 100_000
    shown = bring(project, fails=True)
    assert f"Expected md5:{archives['development_audio']['md5']}. The partial file has been removed. Run again" in shown
    assert "development_annotation.zip?download=1: the server answers 404 Not Found" in shown
    assert "Traceback" not in shown
    assert data(project) == receipts(project) == []

    (tmp_path / "aside").rename(annotation)
    server.truncate_to = None
    shown = bring(project)
    assert "research and other non-commercial use only" in shown
    assert data(project) == EVERYTHING
    assert planned(project, "data", configuration=CONFIGURATION) == {}


@pytest.mark.slow
def test_missing_recording_of_a_damaged_archive(project, server, tmp_path):
    configure(project, server.address, publish(tmp_path / "served"))
    bring(project)
    damaged = project / AUDIO_ZIP
    content = bytearray(damaged.read_bytes())
    content[1000:2000] = bytes(1000)
    damaged.write_bytes(content)
    lost = project / RESULTS / "data/audio/cafe_restaurant_00.wav"
    lost.unlink()
    shown = bring(project, fails=True)
    assert "cafe_restaurant_00.wav is damaged: Bad CRC-32" in shown
    assert "`snakemake data --forcerun fetch_archive`" in shown
    assert not lost.exists()
    shown = bring(project, "--forcerun", "fetch_archive")
    bring(project)
    assert "development_audio.zip: not the expected file" in shown
    assert data(project) == EVERYTHING
    assert lost.read_bytes() == SOUND["cafe_restaurant_00"]
    assert len(server.requests) == 3  # both archives, and the damaged archive
    damaged.unlink()
    lost.unlink()
    assert "development_audio.zip: the archive is missing" in bring(project, fails=True)


def test_archive_with_paths_outside_is_refused(project, server, tmp_path):
    configure(project, server.address, publish(tmp_path / "served", also=["../../../../evil.wav"]))
    shown = bring(project, fails=True)
    assert "the path of member '../../../../evil.wav' leads out of the archive" in shown
    assert data(project) == [name for name in EVERYTHING if not name.endswith(".wav")]
    assert list(tmp_path.rglob("evil*")) == []
    # For the right archive under the same name, the md5 in the config has to change.
    archives = publish(tmp_path / "served")
    configure(project, server.address, archives)
    bring(project)
    assert data(project) == EVERYTHING
    assert len(server.requests) == 4
    # Another address of the same archives reruns nothing. Other code unpacks again, without a download.
    configure(project, "https://mirror.example", archives)
    assert planned(project, "data", configuration=CONFIGURATION) == {}
    with (project / "workflow/softsed/data/maestro_real.py").open("a") as module:
        module.write("EDITED = True\n")
    unpacked = {"unpack_recording": 2, "unpack_labels": 2, "data": 1}
    assert planned(project, "data", configuration=CONFIGURATION) == unpacked


def test_download_resumes_after_ctrl_c(project, server, tmp_path):
    configure(project, server.address, publish(tmp_path / "served"))
    server.trickle = (5_000, 0.5)  # half a minute for the whole file; the test waits for the first second
    part = project / f"{AUDIO_ZIP}.part"
    command = [*INTERRUPTIBLE, "snakemake", *CONFIGURATION, "--cores", "2", "data"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=project, env=environment(), start_new_session=True, **pipes) as run:
        end = time.monotonic() + 300
        while not (part.exists() and part.stat().st_size):
            assert time.monotonic() < end
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C in a terminal
        assert run.wait() != 0
    have = part.stat().st_size
    assert 0 < have < 300_000
    assert "development_audio" not in receipts(project)
    server.trickle = None
    bring(project)
    assert data(project) == EVERYTHING
    [last] = [request for request in server.requests if "audio" in request.target][1:]
    assert last.range == f"bytes={have}-"


@pytest.mark.slow
def test_unrecorded_receipt_does_not_block_jobs(project, server, tmp_path):
    """While an existing receipt is made again, Snakemake would skip the jobs that depend on it, without a message."""
    configure(project, server.address, publish(tmp_path / "served"))
    bring(project)
    [receipt] = (project / RESULTS / "data/archives").glob("development_annotation*")
    name = base64.urlsafe_b64encode(str(receipt.relative_to(project)).encode()).decode()
    (project / ".snakemake/incomplete" / name).touch()  # the files that Snakemake leaves
    for path in (project / RESULTS / "data/published").glob("*"):
        path.unlink()
    bring(project)
    assert data(project) == EVERYTHING
    assert planned(project, "data", configuration=CONFIGURATION) == {}


@pytest.mark.slow
def test_a_disk_that_is_full(project, server, tmp_path):
    configure(project, server.address, publish(tmp_path / "served"))
    with small_disk(tmp_path / "disk", "1m") as disk:
        (project / "results").rename(project / "aside")
        (project / "results").symlink_to(disk)
        other = disk / "other"
        other.write_bytes(bytes(600_000))
        # The archive of 0.3 MB fits, but the two recordings of 0.15 MB do not.
        shown = bring(project, fails=True)
        assert "No space left on device" in shown
        assert "Free disk space" in shown
        there = data(project)
        assert AUDIO_ZIP in there
        assert not [name for name in there if name.endswith(".part")]
        assert set(there) < set(EVERYTHING)
        for name in RECORDINGS:
            recording = project / RESULTS / f"data/audio/{name}.wav"
            assert not recording.exists() or recording.read_bytes() == SOUND[name]
        other.unlink()
        bring(project)
        assert data(project) == EVERYTHING
        assert len([request for request in server.requests if "audio" in request.target]) == 1


@pytest.mark.long
def test_missing_server_stops_after_growing_waits(project, server, tmp_path):
    """This test takes nearly two minutes, most of which it waits."""
    configure(project, server.address, publish(tmp_path / "served"))
    server.busy = 1000
    start = time.monotonic()
    shown = bring(project, fails=True)
    assert time.monotonic() - start > 102
    for wait in (2, 10, 30, 60):
        assert shown.count(f"the server answers 503 Service Unavailable; next attempt in {wait} s") >= 2
    assert "the download failed in 5 attempts without progress" in shown
    assert len(server.requests) == 10
    assert data(project) == []
    server.busy = 0
    bring(project)
    assert data(project) == EVERYTHING
