"""Old files go, new ones and those of the page itself stay."""

import os
import shutil
import sys
import time

from phr_mmpose.web.cleaning import delete_old_files, keep_clean
from phr_mmpose.web.visits import Visit, Visits


def test_old_files_are_deleted(tmp_path):
    (tmp_path / 'a').mkdir()
    for name in ('a/old.png', 'own.png'):
        (tmp_path / name).touch()
    time.sleep(0.2)
    (tmp_path / 'a' / 'new.png').touch()
    delete_old_files(tmp_path, 0.15, {tmp_path / 'own.png'})
    assert sorted(path.name for path in tmp_path.rglob('*.png')) == [
        'new.png',
        'own.png',
    ]


def test_what_is_there_at_the_start_is_kept(tmp_path):
    (tmp_path / 'own.png').touch()
    visits, photo = Visits(seconds=0.05), bytes(7)
    uses = sys.getrefcount(photo)
    visits.set('page', Visit(photo))
    keep_clean(tmp_path, visits, 0.05, 0.01)
    (tmp_path / 'upload.png').touch()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (
        os.listdir(tmp_path) != ['own.png'] or sys.getrefcount(photo) > uses
    ):
        time.sleep(0.01)
    assert os.listdir(tmp_path) == ['own.png']
    # Nobody asked for the visit.
    assert sys.getrefcount(photo) == uses
    # Without its folder, the thread ends.
    shutil.rmtree(tmp_path)
