import hashlib
import io
import json
import subprocess
import wave
from pathlib import Path

import pytest
from support.archives import zipped
from support.errors import refused
from support.server import serve

from softsed import cli
from softsed.core.metadata import read_recordings
from softsed.data import maestro_real

RECORDINGS = {"cafe_restaurant_00": "cafe_restaurant", "metro_station_02": "metro_station"}
LABELS = "0\t1\tpeople talking\t0.25\n"


def wav(seconds: float, *, width: int = 3) -> bytes:
    """Return silence in the format of MAESTRO Real: 44.1 kHz, stereo, `width` bytes per sample."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(width)
        file.setframerate(44100)
        file.writeframes(bytes(round(seconds * 44100) * 2 * width))
    return buffer.getvalue()


def archive(members: dict[str, bytes | str]) -> bytes:
    return zipped(members.items())


def publish(folder: Path, changes: dict[str, bytes] | None = None) -> dict:
    """Write archives in the layout of Zenodo, and return the section of the config."""
    files = {
        "development_audio": (1, "development_audio.zip"),
        "development_annotation": (1, "development_annotation.zip"),
        "evaluation_audio": (2, "Evaluation_audio.zip"),
    }
    extra = {"development_audio/": b"", "development_metadata.csv": "file,duration\n", "__MACOSX/x": b""}
    contents = {
        "development_audio": archive(
            extra | {f"development_audio/{scene}/{name}.wav": wav(0.5) for name, scene in RECORDINGS.items()}
        ),
        "development_annotation": archive(
            extra
            | {
                f"development_annotation/soft_labels_{scene}/{name}.txt": f"{LABELS}{name}\n"
                for name, scene in RECORDINGS.items()
            }
        ),
        "evaluation_audio": archive(
            {
                "Evaluation_audio/metro_station/metro_station_03.wav": wav(1.25, width=2),
                "Evaluation_audio/cafe_restaurant/cafe_restaurant_01.wav": wav(2.5),
                "Evaluation_audio/cafe_restaurant/._cafe_restaurant_01.wav": b"not a recording",
                "Evaluation_audio/README.md": "text",
            }
        ),
    } | (changes or {})
    section = {}
    for name, (record, file) in files.items():
        path = folder / str(record) / "files" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[name])
        section[name] = {"record": record, "file": file, "md5": hashlib.md5(contents[name]).hexdigest()}
    return {"address": str(folder), "archives": section}


def fetch(tmp_path: Path, config: dict, name: str) -> list[str]:
    """The arguments that fetch an archive."""
    archive = ["--archive", json.dumps(config["archives"][name]), "--address", config["address"]]
    return ["fetch", *archive, "--archives", str(tmp_path / "archives"), "--receipt", str(tmp_path / f"{name}.md5")]


def bring_development(tmp_path: Path, config: dict) -> None:
    for archive, target in (("development_annotation", "published/{}.txt"), ("development_audio", "audio/{}.wav")):
        maestro_real.main(fetch(tmp_path, config, archive))
        for name, scene in RECORDINGS.items():
            member = ["--recording", name, "--scene", scene, "--output", str(tmp_path / target.format(name))]
            maestro_real.main(["unpack", "--receipt", str(tmp_path / f"{archive}.md5"), *member])


def bring_evaluation(tmp_path: Path, config: dict) -> Path:
    maestro_real.main(fetch(tmp_path, config, "evaluation_audio"))
    found = ["--found", str(tmp_path / "evaluation.tsv"), "--audio", str(tmp_path / "audio")]
    maestro_real.main(["evaluation", "--receipt", str(tmp_path / "evaluation_audio.md5"), *found])
    return tmp_path / "evaluation.tsv"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(tmp_path / "zenodo") as server:
        yield server


def test_development_set_is_unpacked(tmp_path, server):
    config = publish(tmp_path / "zenodo") | {"address": f"{server.address}/"}
    bring_development(tmp_path, config)
    assert names(tmp_path / "audio") == [f"{name}.wav" for name in RECORDINGS]
    assert names(tmp_path / "published") == [f"{name}.txt" for name in RECORDINGS]
    assert (tmp_path / "audio" / "metro_station_02.wav").read_bytes() == wav(0.5)
    assert (tmp_path / "published" / "metro_station_02.txt").read_text() == f"{LABELS}metro_station_02\n"
    targets = [f"/1/files/development_{kind}.zip?download=1" for kind in ("annotation", "audio")]
    assert [request.target for request in server.requests] == targets


def test_second_run_downloads_nothing(tmp_path, server):
    config = publish(tmp_path / "zenodo") | {"address": server.address}
    bring_development(tmp_path, config)
    (tmp_path / "audio" / "metro_station_02.wav").unlink()
    bring_development(tmp_path, config)
    assert len(server.requests) == 2
    assert (tmp_path / "audio" / "metro_station_02.wav").read_bytes() == wav(0.5)


def test_an_interrupted_archive_is_resumed(tmp_path, server, monkeypatch):
    config = publish(tmp_path / "zenodo") | {"address": server.address}
    monkeypatch.setattr("softsed.data.download.time.sleep", lambda seconds: None)
    monkeypatch.setattr("softsed.data.download.CHUNK_BYTES", 100)
    server.drops, server.drop_after = 1, 200
    bring_development(tmp_path, config)
    assert [request.status for request in server.requests] == [200, 206, 200]
    assert server.requests[1].range == "bytes=200-"


def test_the_licence_is_shown(tmp_path, caplog):
    caplog.set_level("INFO")
    bring_development(tmp_path, publish(tmp_path / "zenodo"))
    shown = [record.getMessage() for record in caplog.records if getattr(record, "progress", False)]
    assert [text.startswith("development_audio.zip: (c) Tampere University") for text in shown].count(True) == 1
    assert any("non-commercial use only" in text and "zenodo.org/records/1" in text for text in shown)


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_folder_serves_in_place_of_zenodo(tmp_path, form):
    config = publish(tmp_path / "mirror") | {"address": form.format(tmp_path / "mirror")}
    bring_development(tmp_path, config)
    assert len(names(tmp_path / "audio")) == 2
    kept = tmp_path / "archives/1/development_audio.zip"
    assert kept.is_symlink()  # nothing is copied, and the receipt contains the path below `archives`
    assert kept.samefile(tmp_path / "mirror/1/files/development_audio.zip")


def test_folder_of_links_to_kept_archives(tmp_path, server):
    config = publish(tmp_path / "zenodo") | {"address": server.address}
    bring_development(tmp_path, config)
    kept, mirror = tmp_path / "archives/1/development_audio.zip", tmp_path / "mirror/1/files/development_audio.zip"
    mirror.parent.mkdir(parents=True)
    mirror.symlink_to(kept)
    maestro_real.main(fetch(tmp_path, config | {"address": str(tmp_path / "mirror")}, "development_audio"))
    assert kept.is_file()
    assert not kept.is_symlink()


def test_the_top_folder_may_be_written_in_capitals(tmp_path):
    audio = archive({f"Development_Audio/{scene}/{name}.wav": wav(0.5) for name, scene in RECORDINGS.items()})
    bring_development(tmp_path, publish(tmp_path / "zenodo", {"development_audio": audio}))
    assert len(names(tmp_path / "audio")) == 2


def test_the_evaluation_recordings_are_listed(tmp_path, server):
    listing = bring_evaluation(tmp_path, publish(tmp_path / "zenodo") | {"address": server.address})
    assert listing.read_text().splitlines() == [
        "recording\tscene\tduration_s",
        "cafe_restaurant_01\tcafe_restaurant\t2.5000",
        "metro_station_03\tmetro_station\t1.2500",
    ]
    assert list(read_recordings(listing)) == ["cafe_restaurant_01", "metro_station_03"]
    assert names(tmp_path / "audio") == ["cafe_restaurant_01.wav", "metro_station_03.wav"]
    assert [request.target for request in server.requests] == ["/2/files/Evaluation_audio.zip?download=1"]


def test_evaluation_audio_that_cannot_be_read(tmp_path):
    broken = archive({"Evaluation_audio/cafe_restaurant/cafe_restaurant_01.wav": b"RIFF"})
    with refused(file="cafe_restaurant_01.wav", problem="cannot be read as audio"):
        bring_evaluation(tmp_path, publish(tmp_path / "zenodo", {"evaluation_audio": broken}))


def test_an_evaluation_archive_without_recordings(tmp_path):
    other = archive({"Evaluation_audio/cafe_restaurant/metro_station_01.wav": wav(0.1)})
    with refused(file="Evaluation_audio.zip", expected="members such as Evaluation_audio/SCENE/SCENE_NN.wav"):
        bring_evaluation(tmp_path, publish(tmp_path / "zenodo", {"evaluation_audio": other}))


def test_a_receipt_is_a_line_as_md5sum_writes_it(tmp_path, server):
    config = publish(tmp_path / "zenodo") | {"address": server.address}
    maestro_real.main(fetch(tmp_path, config, "development_audio"))
    check = ["md5sum", "--check", str(tmp_path / "development_audio.md5")]
    assert subprocess.run(check, capture_output=True, text=True, check=True).stdout.endswith(": OK\n")


def test_read_receipt_refuses_missing_archive(tmp_path, server):
    bring_development(tmp_path, publish(tmp_path / "zenodo") | {"address": server.address})
    (tmp_path / "archives/1/development_audio.zip").unlink()
    with refused(file="development_audio.zip", problem=["missing", "development_audio.md5"]) as caught:
        maestro_real.read_receipt(tmp_path / "development_audio.md5")
    assert "`snakemake data --forcerun fetch_archive`" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "3de7cb4f92a115a6f5cc077a41ca07b3\n"])
def test_read_receipt_refuses_other_files(tmp_path, text):
    (tmp_path / "a.md5").write_text(text)
    with refused(file="a.md5", problem="not a receipt"):
        maestro_real.read_receipt(tmp_path / "a.md5")


def test_a_wrong_archive_is_an_error_of_the_command(tmp_path, server, capsys):
    config = publish(tmp_path / "zenodo") | {"address": server.address}
    server.truncate_to = 100
    command = fetch(tmp_path, config, "evaluation_audio")
    assert cli.main(["--log", str(tmp_path / "log"), "data.maestro_real", *command]) == 1
    error = capsys.readouterr().err
    assert "softsed data.maestro_real: " in error
    assert f"Expected md5:{config['archives']['evaluation_audio']['md5']}" in error
    assert not (tmp_path / "evaluation_audio.md5").exists()
