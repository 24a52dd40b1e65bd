"""Files of a folder that are not used."""

from softsed.planning.folders import describe_left_out


def test_each_kind_has_number_and_first_name(tmp_path):
    for name in ("a.wav", "film.mp4", "notes.txt", "._a.wav", ".DS_Store"):
        (tmp_path / name).touch()
    for name in ("day 2", "day 1"):
        (tmp_path / name).mkdir()
    (tmp_path / "gone.wav").symlink_to("annex/gone.wav")
    used = {(tmp_path / "a.wav").resolve()}
    assert describe_left_out(tmp_path, used) == (
        f"{tmp_path}: 2 subfolders (first: day 1), 1 link without a file (first: gone.wav), "
        "2 other files (first: film.mp4) left out"
    )


def test_nothing_left_out_is_not_described(tmp_path):
    (tmp_path / "a.wav").touch()
    assert describe_left_out(tmp_path, {(tmp_path / "a.wav").resolve()}) is None
    assert describe_left_out(tmp_path / "a.wav", set()) is None
    assert describe_left_out(tmp_path / "nowhere", set()) is None


def test_linked_files_and_folders(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/a.wav").touch()
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio/a.wav").symlink_to(tmp_path / "disk/a.wav")
    (tmp_path / "audio/more").symlink_to(tmp_path / "disk")
    used = {(tmp_path / "audio/a.wav").resolve()}
    assert describe_left_out(tmp_path / "audio", used) == f"{tmp_path}/audio: 1 subfolder (first: more) left out"
