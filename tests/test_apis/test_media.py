"""Files and folders become a list of photos and videos."""

import cv2
import numpy as np
import pytest

from phr_mmpose.apis.media import find_media, read_photo
from phr_mmpose.apis.video import VideoFrames
from phr_mmpose.utils.errors import UserError


def test_a_folder_gives_its_photos_and_videos_in_order(folder):
    found = find_media([folder])
    assert [(m.path.name, m.name, m.is_video) for m in found] == [
        ('a.png', 'a', False),
        ('b.jpg', 'b', False),
        ('clip.mp4', 'clip', True),
    ]


def test_results_of_photos_with_one_name_stay_apart(folder, photo):
    cv2.imwrite(str(folder / 'a.jpg'), photo)
    names = [media.name for media in find_media([folder, folder / 'a.png'])]
    assert names == ['a', 'a_2', 'b', 'clip']


def test_a_file_given_by_itself_counts_whatever_its_suffix(folder):
    (media,) = find_media([folder / 'notes.txt'])
    assert not media.is_video
    with pytest.raises(UserError, match=r'notes\.txt: not a readable photo'):
        read_photo(media.path)


def test_a_wrong_path_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match=r'none\.jpg: no such file'):
        find_media([tmp_path / 'none.jpg'])
    with pytest.raises(UserError, match='no photo or video in this folder'):
        find_media([tmp_path])


def test_a_video_gives_its_frames(folder, photo):
    video = VideoFrames(folder / 'clip.mp4')
    assert (video.fps, video.count, video.shape) == (10, 3, (120, 90))
    frames = list(video)
    assert len(frames) == 3
    assert np.abs(frames[2].astype(int) - photo).mean() < 12


def test_a_video_that_ends_early_says_after_how_many_frames(cut_video, folder):
    video = VideoFrames(cut_video)
    number = len(list(video))
    assert 4 <= number <= 8
    assert f'ends early, after {number} of 12 frames' in video.shortfall
    whole = VideoFrames(folder / 'clip.mp4')
    assert len(list(whole)) == 3 and whole.shortfall is None


@pytest.mark.parametrize(
    ('count', 'seconds', 'early'),
    [(100, 9.4, False), (103, 9.5, False), (200, 9.9, True), (200, 19.9, False)],
)
def test_guessed_counts_do_not_make_a_video_end_early(folder, count, seconds, early):
    video = VideoFrames(folder / 'clip.mp4')
    video.read, video.count, video._seconds = 96, count, seconds
    assert bool(video.shortfall) is early


def test_a_video_without_frames_is_refused_in_silence(folder, capfd):
    path = folder / 'clip.mp4'
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r'clip\.mp4: not a readable video'):
        VideoFrames(path)
    assert capfd.readouterr().err == ''
