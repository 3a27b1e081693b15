"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wren_async.core.replacing import Replacement, replace


def test_many_writers_to_one_path_all_succeed_and_one_of_them_stays(tmp_path: Path) -> None:
    target = tmp_path / "certificate.pdf"
    contents = [bytes([number]) * 100_000 for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(100):
            for done in [pool.submit(replace, target, content) for content in contents]:
                done.result()
    assert target.read_bytes() in contents
    assert os.listdir(tmp_path) == ["certificate.pdf"]


def test_what_is_not_kept_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_bytes(b"old")
    with Replacement(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_private_file_is_its_owners_alone_also_in_the_place_of_an_open_one(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_bytes(b"old")
    target.chmod(0o644)
    replace(target, b"new", private=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_what_a_link_points_to_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "out").symlink_to(tmp_path / "precious")
    replace(tmp_path / "out", b"new")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert (tmp_path / "out").read_bytes() == b"new"


def test_a_folder_or_a_device_is_no_target(tmp_path: Path) -> None:
    for target in (tmp_path, Path(os.devnull)):
        with pytest.raises(FileExistsError, match="is no file"):
            replace(target, b"new")


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path) -> None:
    replace(tmp_path / ("x" * 255), b"new")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"new"
