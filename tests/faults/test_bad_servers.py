"""Servers that fail, are slow, redirect or send wrong content; unit/data/test_download.py tests simpler cases."""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from support.errors import refused
from support.server import serve

from softsed.data import download as module
from softsed.data.download import download

SIZE = 300_000
CONTENT = random.Random(1).randbytes(SIZE)
MD5 = hashlib.md5(CONTENT).hexdigest()
TARGET = "1/files/file.zip"  # as `softsed data.maestro_real fetch` requests it
NO_WAITS = (0, 0)


@pytest.fixture(autouse=True)
def straight(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def served(tmp_path):
    (tmp_path / "served/1/files").mkdir(parents=True)
    (tmp_path / "served" / TARGET).write_bytes(CONTENT)
    return tmp_path / "served"


@pytest.fixture
def server(served):
    with serve(served) as server:
        yield server


def get(address: str, tmp_path: Path) -> None:
    path = tmp_path / "kept" / "file.zip"
    assert download(f"{address}/{TARGET}", path, digest=f"md5:{MD5}", waits_s=NO_WAITS) == path
    assert path.read_bytes() == CONTENT
    assert kept(tmp_path) == ["file.zip"]


def kept(tmp_path: Path) -> list[str]:
    """List the files of the archive, without the lock."""
    return sorted(path.name for path in (tmp_path / "kept").rglob("*.*") if path.is_file() and path.suffix != ".lock")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_temporary_status_is_repeated(server, tmp_path, status):
    server.busy, server.busy_status = 2, status
    get(server.address, tmp_path)
    assert [request.status for request in server.requests] == [status, status, 200]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451, 501])
def test_permanent_status_stops_at_once(server, tmp_path, status):
    server.busy, server.busy_status = 1, status
    with refused(golden=False, file=TARGET, problem=f"the server answers {status} "):
        get(server.address, tmp_path)
    assert len(server.requests) == 1
    assert kept(tmp_path) == []


def test_silent_server_is_asked_for_the_rest(server, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "READ_S", 0.3)
    server.drops, server.drop_after, server.hold_s = 1, 120_000, 10
    start = time.monotonic()
    get(server.address, tmp_path)
    assert time.monotonic() - start < 8
    assert [request.range for request in server.requests] == [None, "bytes=120000-"]
    assert "Read timed out" in caplog.text


def test_too_slow_download_stops_and_keeps_its_part(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "READ_S", 0.3)
    server.trickle = (100, 0.02)
    with refused(golden=False, file=TARGET, problem=["the download failed in 3 attempts", " bytes in 0.3 s"]):
        get(server.address, tmp_path)
    starts = [int((request.range or "bytes=0-")[6:-1]) for request in server.requests]
    assert starts == sorted(set(starts))  # each attempt resumed where the previous attempt had stopped
    part = (tmp_path / "kept/file.zip.part").read_bytes()
    assert starts[-1] < len(part)
    assert CONTENT.startswith(part)
    server.trickle = None
    get(server.address, tmp_path)
    assert server.requests[-1].range == f"bytes={len(part)}-"


def test_slow_server_is_accepted(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "READ_S", 0.3)
    server.trickle = (module.CHUNK_BYTES, 0.15)  # 0.75 s in all
    get(server.address, tmp_path)
    assert len(server.requests) == 1


def test_cut_answer_without_length_fails_by_hash(server, tmp_path):
    server.tells_length, server.drops, server.drop_after = False, 1, 120_000
    with refused(golden=False, file="file.zip.part", problem="120000 bytes", expected=f"md5:{MD5}"):
        get(server.address, tmp_path)
    assert kept(tmp_path) == []
    get(server.address, tmp_path)


def test_answer_that_is_not_http(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            for _ in range(len(NO_WAITS) + 1):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"220 smtp ready\r\n")

        Thread(target=answer).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with refused(golden=False, file=TARGET, problem=["the download failed in 3 attempts", "220 smtp ready"]):
            get(address, tmp_path)


def test_redirect_is_followed_and_logged(server, served, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file.zip.part").write_bytes(CONTENT[:1000])
    with serve(served) as other:
        server.sends_on = other.address.replace("127.0.0.1", "localhost")
        get(server.address, tmp_path)
        assert [request.range for request in other.requests] == ["bytes=1000-"]
    [shown] = [record for record in caplog.records if getattr(record, "progress", False)]
    assert shown.getMessage() == f"{server.address}/{TARGET}: redirected to {server.sends_on}/{TARGET}"


def test_redirect_to_another_file_fails_by_hash(server, tmp_path):
    (tmp_path / "other/1/files").mkdir(parents=True)
    (tmp_path / "other" / TARGET).write_bytes(b"<html>Please log in</html>")
    with serve(tmp_path / "other") as other:
        server.sends_on = other.address
        with refused(golden=False, file="file.zip.part", problem="26 bytes", expected=f"md5:{MD5}"):
            get(server.address, tmp_path)
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("place", "message"),
    [("file:///etc", "file:///etc/"), ("ftp://127.0.0.1", "ftp://")],
)
def test_redirect_to_other_protocols_is_refused(server, tmp_path, place, message):
    server.sends_on = place
    with refused(golden=False, file=TARGET, problem=["cannot be downloaded", message]):
        get(server.address, tmp_path)
    assert len(server.requests) == 1
    assert kept(tmp_path) == []


def test_circular_redirect_stops(server, tmp_path):
    server.sends_on = server.address
    with refused(golden=False, file=TARGET, problem=["cannot be downloaded", "30 redirects"]):
        get(server.address, tmp_path)


@pytest.mark.parametrize("scheme", ["ftp", "htps", "s3"])
def test_unknown_scheme_is_refused(tmp_path, scheme):
    with refused(file=f"{scheme}://host/{TARGET}", problem="scheme"):
        get(f"{scheme}://host", tmp_path)


def certificate(tmp_path: Path, host: str) -> Path:
    """Make a certificate without a signature of an authority, with its key, in one file."""
    path = tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=test", "-addext", f"subjectAltName=IP:{host}", "-keyout", str(path), "-out", "-"]
    try:
        made = subprocess.run(command, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("no certificate without the program openssl")
    with path.open("ab") as file:
        file.write(made)
    return path


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("127.0.0.1", "self-signed certificate"),
        ("127.0.0.2", "not valid for '127.0.0.1'"),
    ],
    ids=["unsigned", "of another host"],
)
def test_invalid_certificate_stops_at_once(served, tmp_path, monkeypatch, host, message):
    path = certificate(tmp_path, host)
    if host != "127.0.0.1":  # a trusted certificate of another host
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    refusal = refused(golden=False, file=TARGET, problem=["certificate", message])
    with serve(served, certificate=path) as server, refusal as caught:
        get(server.address, tmp_path)
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy
    assert server.requests == []
    assert kept(tmp_path) == []


def test_user_certificate_is_trusted(served, tmp_path, monkeypatch):
    path = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with serve(served, certificate=path) as server:
        server.drops, server.drop_after = 1, 120_000
        get(server.address, tmp_path)
        assert [request.range for request in server.requests] == [None, "bytes=120000-"]


def test_server_without_tls_is_tried_again(server, tmp_path):
    with refused(golden=False, file=TARGET, problem=["the download failed in 3 attempts", "connection problem", "SSL"]):
        get(server.address.replace("http:", "https:"), tmp_path)


# The command itself, as several processes.


def fetch(address: str, tmp_path: Path, name: str = "one") -> subprocess.Popen:
    archive = json.dumps({"record": 1, "file": "file.zip", "md5": MD5})
    command = [
        sys.executable,
        "-m",
        "softsed",
        "data.maestro_real",
        "fetch",
        "--archive",
        archive,
        "--address",
        address,
    ]
    command += ["--archives", str(tmp_path / "kept"), "--receipt", str(tmp_path / f"{name}.md5")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen) -> str:
    """Return the output of a process, which must end without an error."""
    _, shown = process.communicate(timeout=120)
    assert process.returncode == 0, shown
    return shown


def until(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_two_downloads_take_turns(server, tmp_path):
    server.trickle = (20_000, 0.3)  # seconds for the whole file; the second process starts within this time
    first = fetch(server.address, tmp_path)
    until(lambda: server.requests)
    second = fetch(server.address, tmp_path, "two")
    assert "another process is downloading it, waiting" in ended(second)
    ended(first)
    assert len(server.requests) == 1
    assert (tmp_path / "one.md5").read_text() == (tmp_path / "two.md5").read_text()
    assert kept(tmp_path) == ["file.zip"]


def test_second_download_resumes_after_a_kill(server, tmp_path):
    part = tmp_path / "kept/1/file.zip.part"
    server.trickle = (20_000, 0.2)
    first = fetch(server.address, tmp_path)
    until(lambda: part.exists() and part.stat().st_size)
    second = fetch(server.address, tmp_path, "two")
    while "waiting" not in second.stderr.readline():
        assert second.poll() is None
    first.kill()
    first.communicate()
    server.trickle = None
    ended(second)
    assert first.returncode == -signal.SIGKILL
    assert not (tmp_path / "one.md5").exists()
    assert int(server.requests[1].range[6:-1]) > 0
    assert kept(tmp_path) == ["file.zip"]
    # The lock of the killed process blocks no other process, and no byte is transferred again.
    assert "already downloaded" in ended(fetch(server.address, tmp_path))
    assert len(server.requests) == 2


def test_server_that_returns_is_used_again(served, tmp_path):
    with serve(served) as server:
        server.drops, server.drop_after = 1, 120_000
        process = fetch(server.address, tmp_path)
        until(lambda: server.requests)
    # No server listens now; the first wait is 2 s.
    shown = process.stderr.readline() + process.stderr.readline()
    assert "next attempt in 2 s" in shown
    with serve(served, port=int(server.address.rpartition(":")[2])) as server:
        ended(process)
        assert [request.range for request in server.requests] == ["bytes=120000-"]


def test_part_of_a_changed_file_is_replaced(server, tmp_path):
    """If the file has changed at the source, the rest does not fit, and the next run downloads the whole file."""
    (tmp_path / "kept/1").mkdir(parents=True)
    (tmp_path / "kept/1/file.zip.part").write_bytes(os.urandom(1000))
    process = fetch(server.address, tmp_path)
    _, shown = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "The partial file has been removed. Run again" in shown
    assert not (tmp_path / "one.md5").exists()
    ended(fetch(server.address, tmp_path))
