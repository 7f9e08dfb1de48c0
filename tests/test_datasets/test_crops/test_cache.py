import json
import multiprocessing
import os
import pickle
import signal
import time

import cv2
import lmdb
import numpy as np
import pytest
from crop_samples import SIZE, build, pipeline, write_data
from mmengine.registry import init_default_scope
from photo_samples import as_jpeg, smooth_photo
from torch.utils.data import DataLoader

from phr_mmpose.datasets.crops import CropGeometry, store, writer
from phr_mmpose.datasets.crops.record import CropRecord
from phr_mmpose.utils.errors import UserError

PERSONS = 7


def make(folder, name='crops.lmdb', dataset=None, **options):
    dataset = dataset or build(folder)
    items = dataset.load_data_list()
    path = folder / name
    steps = writer.write_crops(path, dataset.crop_plan(items), items, **options)
    return path, list(steps)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = write_data(tmp_path_factory.mktemp('crops') / 'data', PERSONS)
    make(folder, quality=95, threads=2)
    make(folder, 'dense.lmdb', quality=98, density=1.5)
    return folder


def test_the_reader_leaves_no_lock_file(folder):
    build(folder, crop_cache='crops.lmdb')
    assert not list(folder.glob('*-lock'))


def test_numbers_equal_and_pixels_nearly(folder):
    """Every number is the same; a grey level or two for averaging and JPEG."""
    plain = build(folder)
    for name, most in (('crops.lmdb', 6.0), ('dense.lmdb', 4.0)):
        cached = build(folder, crop_cache=name)
        assert len(cached) == len(plain) == PERSONS
        for index in range(PERSONS):
            mine, theirs = cached[index], plain[index]
            for key in ('transformed_keypoints', 'keypoints', 'bbox', 'bbox_center'):
                np.testing.assert_array_equal(mine[key], theirs[key])
            for key in ('ori_shape', 'img_shape', 'input_size', 'img_path', 'id'):
                assert mine[key] == theirs[key]
            difference = np.abs(mine['img'].astype(int) - theirs['img'])
            assert difference.mean() < most
            # The photo's borders are where they were.
            black = (theirs['img'] == 0).all(axis=-1)
            assert ((mine['img'] == 0).all(axis=-1) == black).mean() > 0.97


def test_a_test_pipeline_reads_it_too(folder):
    steps = pipeline(augment=False)
    cached = build(folder, crop_cache='crops.lmdb', pipeline=steps)
    plain = build(folder, pipeline=steps)
    for mine, theirs in zip(cached, plain, strict=True):
        assert np.abs(mine['img'].astype(int) - theirs['img']).mean() < 6


def test_photos_are_not_opened(folder, tmp_path):
    prefix = {'img': str(tmp_path / 'nowhere')}
    cached = build(folder, crop_cache='crops.lmdb', data_prefix=prefix)
    assert cached[3]['img'].shape == (*SIZE, 3)


def test_a_part_of_the_list(folder):
    # Augmentation depends on the place in the part.
    options = {'crop_cache': 'crops.lmdb', 'pipeline': pipeline(augment=False)}
    whole = build(folder, **options)
    some = build(folder, indices=[5, 2], **options)
    for mine, index in zip(some, (5, 2), strict=True):
        assert mine['id'] == index
        for key in ('img', 'transformed_keypoints', 'bbox'):
            np.testing.assert_array_equal(mine[key], whole[index][key])


def test_many_workers(folder):
    init_default_scope('mmpose')
    cached = build(folder, crop_cache='crops.lmdb')
    expected = [cached[index]['img'] for index in range(PERSONS)]
    loader = DataLoader(
        _Pictures(cached),
        batch_size=None,
        num_workers=2,
        multiprocessing_context='fork',
        timeout=30,
    )
    for mine, theirs in zip(loader, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


class _Pictures:
    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        return self.dataset[index]['img']


def test_survives_pickling(folder):
    cached = build(folder, crop_cache='crops.lmdb')
    again = pickle.loads(pickle.dumps(cached.get_data_info(1)['crop_cache']))
    assert again.read(4) == cached.get_data_info(4)['crop_cache'].read(4)


def test_record_comes_back():
    record = CropRecord((301, 403), (10, 20, 100, 80), (50, 41), b'\xff\xd8 picture')
    assert CropRecord.unpack(record.pack()) == record
    grid = record.grid
    assert (grid.scale_x, grid.offset_x) == (2, 10.5)
    assert grid.scale_y == pytest.approx(80 / 41)
    # The kept picture's outer edge is the region's.
    assert grid.offset_y + grid.scale_y * 40.5 == pytest.approx(20 + 79.5)


def test_the_photo_is_never_enlarged():
    geometry = CropGeometry((64, 64), 1.25, 1.0, 0.0)
    photo = np.zeros((200, 200, 3), np.uint8)
    small = np.array([90, 90, 110, 110], np.float32)
    record = writer.crop_person(photo, small, geometry, density=2.0, quality=90)
    assert record.size == record.region[2:]
    large = np.array([50, 50, 150, 150], np.float32)
    record = writer.crop_person(photo, large, geometry, density=1.0, quality=90)
    factor = 125 / 64
    assert record.size[0] == round(record.region[2] / factor)


def refused(folder, match, **options):
    with pytest.raises(UserError, match=match) as caught:
        build(folder, **options)
    assert '\n' not in str(caught.value)


def test_a_missing_cache(folder):
    refused(folder, r'none\.lmdb: no such crop cache', crop_cache='none.lmdb')


def test_a_cache_for_something_else(folder):
    options = {'crop_cache': 'crops.lmdb'}
    refused(folder, 'input of 64 x 64 px', pipeline=pipeline((48, 64)), **options)
    refused(folder, 'cropped otherwise', pipeline=pipeline(rotation=60.0), **options)
    stock = [{'type': 'GetBBoxCenterScale'}, {'type': 'CheckedLoadImage'}]
    refused(folder, 'LoadPersonCrop', pipeline=stock, **options)
    entries = json.loads((folder / 'list.json').read_text())
    entries[2]['joints'][0][0] += 1
    (folder / 'other.json').write_text(json.dumps(entries))
    refused(folder, 'another annotation file', ann_file='other.json', **options)


def test_the_crop_may_not_leave_what_was_kept(folder):
    """Something that the plan does not know of moves the crop."""
    cached = build(folder, crop_cache='crops.lmdb')
    moves = cached.pipeline.transforms[3]
    moves.scale = (3.0, 3.0)
    with pytest.raises(UserError, match='person 0 is cropped wider'):
        cached[0]


@pytest.mark.parametrize('share', [0.0, 0.001, 0.3, 0.9])
def test_a_truncated_file(folder, share):
    content = (folder / 'crops.lmdb').read_bytes()
    broken = folder / 'broken.lmdb'
    broken.write_bytes(content[: int(share * len(content))])
    refused(folder, r'broken\.lmdb: ', crop_cache='broken.lmdb')
    broken.unlink()


def test_files_of_another_kind(folder):
    text = 'no cache at all ' * 1000
    (folder / 'text.lmdb').write_text(text)
    (folder / 'folder.lmdb').mkdir()
    refused(folder, r'text\.lmdb: not a readable', crop_cache='text.lmdb')
    for name, match in (('text', 'no crop cache'), ('folder', 'cannot be written')):
        with pytest.raises(UserError, match=match):
            make(folder, f'{name}.lmdb')
    assert (folder / 'text.lmdb').read_text() == text
    other = str(folder / 'other.lmdb')
    with lmdb.open(other, subdir=False, lock=False) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(b'a', b'b')
    refused(folder, 'no crop cache', crop_cache='other.lmdb')
    with pytest.raises(UserError, match='no crop cache'):
        make(folder, 'other.lmdb')
    assert not list(folder.glob('*-lock'))


def test_one_writer_at_a_time(folder, monkeypatch):
    monkeypatch.setattr(writer, 'BATCH', 2)
    dataset = build(folder)
    items = dataset.load_data_list()
    path = folder / 'shared.lmdb'
    steps = writer.write_crops(path, dataset.crop_plan(items), items)
    next(steps)
    with pytest.raises(UserError, match='another process is making'):
        make(folder, path.name)
    assert list(steps)[-1] == PERSONS
    assert make(folder, path.name)[1] == [PERSONS]
    assert not list(folder.glob('*-lock'))


def edit(path, change):
    store.forget(path)
    with lmdb.open(str(path), subdir=False, lock=False) as environment:
        with environment.begin(write=True) as transaction:
            change(transaction)


def test_another_version_and_missing_persons(folder):
    path, _ = make(folder, 'edited.lmdb')
    edit(path, lambda each: each.delete(store.person_key(3)))
    refused(folder, 'lacks persons', crop_cache='edited.lmdb')
    header = json.dumps({'format': 99}).encode()
    edit(path, lambda each: each.put(store.PLAN_KEY, header))
    refused(folder, 'format 99, not 1', crop_cache='edited.lmdb')


def test_a_damaged_picture(folder):
    path, _ = make(folder, 'damaged.lmdb')
    key = store.person_key(2)
    edit(path, lambda each: each.put(key, each.get(key)[:-200]))
    # Not skipped as an unreadable photo is: the cache can be mended.
    steps = pipeline()
    steps[-1]['ignore_empty'] = True
    options = {'crop_cache': 'damaged.lmdb', 'pipeline': steps}
    for change in (
        lambda value: value[:-200],
        lambda value: value[:32] + as_jpeg(smooth_photo(40, 30)),
        lambda value: b'short',
        lambda value: bytes(len(value)),
    ):
        whole = build(folder, crop_cache='crops.lmdb').get_data_info(2)
        value = change(whole['crop_cache'].read(2).pack())
        edit(path, lambda each, value=value: each.put(key, value))
        refused_person(folder, 2, **options)


def refused_person(folder, number, **options):
    cached = build(folder, **options)
    with pytest.raises(UserError, match=r'damaged.*; delete it and make it again'):
        cached[number]


def test_overwritten_pages(folder):
    """LMDB's own errors become one line, wherever they arise."""
    content = (folder / 'crops.lmdb').read_bytes()
    page = store.reader(folder / 'crops.lmdb').stat()['psize']
    broken = folder / 'overwritten.lmdb'
    by_lmdb = 0
    for first in range(2, len(content) // page):
        broken.write_bytes(
            content[: first * page] + b'\xff' * page + content[(first + 1) * page :]
        )
        try:
            cached = build(folder, crop_cache=broken.name)
            for number in range(PERSONS):
                cached[number]
        except UserError as error:
            assert 'delete it and make it again' in str(error)
            if 'the crop cache is damaged (' in str(error):
                by_lmdb += 1
                with pytest.raises(UserError, match=r'is damaged \('):
                    make(folder, broken.name, quality=95)
        store.forget(broken)
    assert by_lmdb
    broken.unlink()


def test_an_interrupted_writer_goes_on(folder, monkeypatch):
    monkeypatch.setattr(writer, 'BATCH', 2)
    dataset = build(folder)
    items = dataset.load_data_list()
    plan = dataset.crop_plan(items)
    path = folder / 'parts.lmdb'
    steps = writer.write_crops(path, plan, items)
    assert [next(steps) for _ in range(3)] == [0, 2, 4]
    steps.close()
    refused(folder, 'not finished \\(4 of 7 persons\\)', crop_cache='parts.lmdb')
    assert make(folder, 'parts.lmdb')[1] == [4, 6, 7]
    assert make(folder, 'parts.lmdb')[1] == [7]
    resumed = build(folder, crop_cache='parts.lmdb')
    make(folder, 'once.lmdb')
    once = build(folder, crop_cache='once.lmdb')
    for number in range(PERSONS):
        assert resumed.get_data_info(number)['crop_cache'].read(number) == (
            once.get_data_info(number)['crop_cache'].read(number)
        )
    with pytest.raises(UserError, match='other data or options'):
        make(folder, 'parts.lmdb', quality=50)


def _write_forever(folder, name):
    # A forked process lacks the threads that OpenCV would hand its work to.
    cv2.setNumThreads(0)
    writer.BATCH = 1
    original = writer.crop_person

    def slow(*arguments, **options):
        time.sleep(0.2)
        return original(*arguments, **options)

    writer.crop_person = slow
    make(folder, name)


def test_a_killed_writer(folder):
    path = folder / 'killed.lmdb'
    process = multiprocessing.get_context('fork').Process(
        target=_write_forever, args=(folder, path.name)
    )
    process.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.is_alive():
        time.sleep(0.3)
        if path.exists() and path.stat().st_size > 40_000:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    refused(folder, 'not finished', crop_cache='killed.lmdb')
    held = make(folder, 'killed.lmdb')[1]
    assert held[0] >= 1
    assert held[-1] == PERSONS
    assert len(build(folder, crop_cache='killed.lmdb')) == PERSONS
