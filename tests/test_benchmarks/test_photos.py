import json

import cv2
import numpy as np
import pytest
from mmpose.registry import DATASETS

from benchmarks.photos import LIST, link_lsp, make_synthetic
from benchmarks.samples import PHOTO_SIZE, draw_photo
from benchmarks.stock_targets import StockDisc
from phr_mmpose.codecs import BinaryDisc


def test_both_readers_of_mpii_see_the_same_persons(tmp_path):
    make_synthetic(tmp_path, photos=2, persons=3)
    assert cv2.imread(str(tmp_path / 'images/000001.jpg')).shape == (720, 1280, 3)
    own, stock = (
        DATASETS.build(
            dict(
                type=f'mmpose.{name}',
                data_root=str(tmp_path),
                ann_file=LIST,
                data_prefix=dict(img='images/'),
            )
        )
        for name in ('MpiiPartDataset', 'MpiiDataset')
    )
    assert len(own) == len(stock) == 3
    for index in range(3):
        ours, theirs = own.get_data_info(index), stock.get_data_info(index)
        assert ours['img_path'] == theirs['img_path']
        np.testing.assert_allclose(ours['bbox'], theirs['bbox'], atol=1e-2)


def test_photos_are_the_same_each_time_and_compress_like_photos(tmp_path):
    photo = draw_photo(3)
    assert (photo == draw_photo(3)).all() and (photo != draw_photo(4)).any()
    assert photo.shape == (PHOTO_SIZE[1], PHOTO_SIZE[0], 3)
    size = len(cv2.imencode('.jpg', photo)[1])
    # Photos take one to four bits a pixel.
    assert 1 < 8 * size / (PHOTO_SIZE[0] * PHOTO_SIZE[1]) < 4


def test_lsp_is_linked_under_numbers(tmp_path):
    data = tmp_path / 'lsp'
    (data / 'images' / 'lsp').mkdir(parents=True)
    (data / 'annotations').mkdir()
    cv2.imwrite(str(data / 'images/lsp/im7.jpg'), draw_photo(0, (60, 90)))
    person = dict(image='lsp/im7.jpg', center=[30, 40], scale=0.4)
    person |= dict(joints=[[i, i] for i in range(14)], joints_vis=[1] * 14)
    person |= dict(joints_visible=[1] * 14)
    (data / 'annotations' / 'lsp_train.json').write_text(json.dumps([person]))
    link_lsp(tmp_path / 'linked', data, persons=5)
    entries = json.loads((tmp_path / 'linked' / LIST).read_text())
    assert [entry['image'] for entry in entries] == ['000000.jpg']
    # LSP's first joint is the right ankle, as is MPII's; thorax and pelvis lack.
    assert entries[0]['joints'][0] == [0, 0]
    assert sum(entries[0]['joints_vis']) == 14
    assert (tmp_path / 'linked' / 'images' / '000000.jpg').is_file()


@pytest.mark.parametrize('point', [(20.0, 30.0), (3.3, 2.1), (90.0, 20.0)])
def test_stock_discs_are_the_project_s_discs(point):
    size = dict(input_size=(64, 64), heatmap_size=(64, 64), radius=6.0)
    keypoints = np.array([[point]], np.float32)
    visible = np.ones((1, 1), np.float32)
    ours = BinaryDisc(**size).encode(keypoints, visible)['heatmaps']
    theirs = StockDisc(**size).encode(keypoints, visible)['heatmaps']
    np.testing.assert_array_equal(ours, theirs)
