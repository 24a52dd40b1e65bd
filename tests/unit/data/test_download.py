import hashlib
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.errors import refused
from support.server import Server, serve

from softsed.data import download as module
from softsed.data.download import download, is_remote

SIZE = 300_000
CONTENT = random.Random(1).randbytes(SIZE)
DIGEST = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
NO_WAITS = (0, 0, 0)


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(module, "CHUNK_BYTES", 1000)
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file.zip").write_bytes(CONTENT)
    with serve(folder) as server:
        yield server


def get(server: Server, path: Path, *, digest: str = DIGEST, name: str = "file.zip") -> Path:
    return download(f"{server.address}/{name}", path, digest=digest, waits_s=NO_WAITS)


def names(folder: Path) -> list[str]:
    """List the files of a folder without the lock, which stays on purpose."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_download_writes_the_whole_file(server, tmp_path):
    path = tmp_path / "archives" / "file.zip"
    assert get(server, path) == path
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["file.zip"]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_second_download_transfers_nothing(server, tmp_path, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest().upper()}"
    get(server, tmp_path / "file.zip", digest=digest)
    get(server, tmp_path / "file.zip", digest=digest)
    assert len(server.requests) == 1


def test_existing_file_is_used(server, tmp_path):
    (tmp_path / "file.zip").write_bytes(CONTENT)
    get(server, tmp_path / "file.zip")
    assert server.requests == []


def test_wrong_existing_file_is_replaced(server, tmp_path, caplog):
    (tmp_path / "file.zip").write_bytes(CONTENT[:-1])
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert "not the expected file" in caplog.text


def test_broken_connection_is_resumed(server, tmp_path):
    server.drops, server.drop_after = 1, 120_000
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    have = int(server.requests[1].range.removeprefix("bytes=").removesuffix("-"))
    assert 0 < have <= 120_000
    assert [(r.status, r.sent) for r in server.requests] == [(200, 120_000), (206, SIZE - have)]


def test_part_of_an_earlier_run_is_resumed(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:200_000])
    get(server, tmp_path / "file.zip")
    assert [(r.range, r.status, r.sent) for r in server.requests] == [("bytes=200000-", 206, 100_000)]
    assert names(tmp_path) == ["file.zip", "served"]


def test_complete_part_is_used(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    get(server, tmp_path / "file.zip")
    assert [(r.status, r.sent) for r in server.requests] == [(416, 0)]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_download_continues_while_it_progresses(server, tmp_path):
    server.drops, server.drop_after = 100, 20_000
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert len(server.requests) > len(NO_WAITS) + 1


def test_download_without_ranges_starts_again(server, tmp_path):
    server.knows_ranges = False
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:200_000])
    get(server, tmp_path / "file.zip")
    assert [(r.range, r.status, r.sent) for r in server.requests] == [("bytes=200000-", 200, SIZE)]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_download_without_ranges_ends_after_breaks(server, tmp_path):
    server.knows_ranges = False
    server.drops, server.drop_after = 100, 50_000
    with refused(golden=False, file="file.zip", problem="the download failed in 4 attempts"):
        get(server, tmp_path / "file.zip")
    assert len(server.requests) <= 2 * (len(NO_WAITS) + 1)


def test_answer_with_another_range_is_not_appended(server, tmp_path):
    server.shifts_ranges = True
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:200_000])
    get(server, tmp_path / "file.zip")
    assert [(r.range, r.status) for r in server.requests] == [("bytes=200000-", 206), (None, 200)]
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_busy_server_is_requested_again(server, tmp_path, caplog):
    server.busy = 2
    get(server, tmp_path / "file.zip")
    assert [r.status for r in server.requests] == [503, 503, 200]
    assert caplog.text.count("next attempt in 0 s") == 2


def test_download_from_busy_server_keeps_part(server, tmp_path):
    server.busy = 100
    part = tmp_path / "file.zip.part"
    part.write_bytes(CONTENT[:1000])
    with refused(golden=False, file="file.zip", problem=["the download failed in 4 attempts", "503"]) as caught:
        get(server, tmp_path / "file.zip")
    assert f"the 1000 bytes in {part} are kept" in caught.value.remedy
    assert caught.value.remedy.endswith(str(tmp_path / "file.zip"))
    assert part.read_bytes() == CONTENT[:1000]


def test_waits_are_kept_in_their_order(server, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    server.busy = 100
    with refused(golden=False, file="file.zip", problem="the download failed in 5 attempts"):
        download(f"{server.address}/file.zip", tmp_path / "file.zip", digest=DIGEST)
    assert waited == sorted(waited) == list(module.WAITS_S)


def test_refused_connection_stops_after_attempts(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(tmp_path) as server:
        pass
    with refused(golden=False, file="file.zip", problem=["failed in 4 attempts", "connection problem"]) as caught:
        get(server, tmp_path / "file.zip")
    assert "Connection refused" in caught.value.problem
    assert "Max retries" not in caught.value.problem
    assert "bytes" not in caught.value.remedy


def test_download_of_missing_file_stops_at_once(server, tmp_path):
    with refused(golden=False, file="other.zip", problem="answers 404 Not Found"):
        get(server, tmp_path / "file.zip", name="other.zip")
    assert len(server.requests) == 1


def test_address_without_a_host_is_refused(tmp_path):
    with refused(file="http://", problem="cannot be downloaded", remedy="Check the address in the config"):
        download("http://", tmp_path / "file.zip", digest=DIGEST)


def test_wrong_hash_leaves_no_file(server, tmp_path):
    server.truncate_to = SIZE - 1
    found = f"md5:{hashlib.md5(CONTENT[:-1]).hexdigest()}"
    with refused(golden=False, file="file.zip.part", problem=["299999 bytes", "file.zip", found], expected=DIGEST):
        get(server, tmp_path / "archives" / "file.zip")
    assert names(tmp_path / "archives") == []


def test_part_of_another_file_is_replaced(server, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(b"x" * (SIZE + 5))
    with refused(golden=False, file="file.zip.part", expected=DIGEST):
        get(server, tmp_path / "file.zip")
    get(server, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == CONTENT


def test_simultaneous_downloads_take_turns(server, tmp_path):
    server.drops, server.drop_after = 2, 100_000
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: get(server, tmp_path / "file.zip"), range(4)))
    assert set(paths) == {tmp_path / "file.zip"}
    assert (tmp_path / "file.zip").read_bytes() == CONTENT
    assert [r.status for r in server.requests] == [200, 206, 206]


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_local_file_is_verified_in_place(tmp_path, form):
    source = tmp_path / "a mirror" / "file.zip"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    address = form.format(str(source).replace(" ", "%20") if "file:" in form else source)
    assert not is_remote(address)
    assert download(address, tmp_path / "archives" / "file.zip", digest=DIGEST) == source
    assert not (tmp_path / "archives").exists()


def test_wrong_local_file_is_kept(tmp_path):
    (tmp_path / "file.zip").write_bytes(b"other")
    with refused(file="file.zip", problem=["5 bytes", "md5:"], expected=DIGEST):
        download(str(tmp_path / "file.zip"), tmp_path / "unused", digest=DIGEST)
    assert (tmp_path / "file.zip").read_bytes() == b"other"


def test_missing_local_file_is_refused(tmp_path):
    with refused(file="nothing.zip", problem="no such file", remedy="Check the address in the config"):
        download(str(tmp_path / "nothing.zip"), tmp_path / "unused", digest=DIGEST)


def test_folder_that_cannot_be_created(server, tmp_path):
    (tmp_path / "archives").write_text("a file where the folder should be")
    with refused(golden=False, file="file.zip", problem=str(tmp_path / "archives/file.zip")):
        get(server, tmp_path / "archives" / "file.zip")


def test_progress_is_logged_every_tenth(server, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "SHOWN_BYTES", 1)
    caplog.set_level(logging.INFO)
    get(server, tmp_path / "file.zip")
    records = [record for record in caplog.records if getattr(record, "progress", False)]
    percents = [record.args[1] for record in records]
    assert percents == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


def test_terminal_gets_a_progress_bar(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "SHOWN_BYTES", 1)
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    get(server, tmp_path / "file.zip")
    assert "file.zip: 100%" in capsys.readouterr().err
