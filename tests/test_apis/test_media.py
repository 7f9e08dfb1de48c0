"""Files and folders become a list of photos and videos."""

import cv2
import numpy as np
import pytest

from phr_mmpose.apis.media import find_media, read_photo
from phr_mmpose.apis.video import VideoFile, VideoFrames
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


def test_three_photos_of_one_name_stay_apart(tmp_path):
    for suffix in ('.jpg', '.png', '.webp'):
        (tmp_path / f'a{suffix}').touch()
    assert [media.name for media in find_media([tmp_path])] == ['a', 'a_2', 'a_3']


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


@pytest.mark.parametrize(
    'suffix', ['.jfif', '.3gp', '.ts', '.heic', '.avif', '.HEIF', '.m2ts', '.jxl']
)
def test_folders_give_what_phones_and_cameras_write(tmp_path, suffix):
    (tmp_path / f'a{suffix}').write_bytes(b'what')
    (media,) = find_media([tmp_path])
    assert media.is_video == (suffix in {'.3gp', '.ts', '.m2ts'})


def test_a_link_to_nowhere_is_not_passed_over(tmp_path):
    (tmp_path / 'a.jpg').symlink_to(tmp_path / 'gone.jpg')
    (media,) = find_media([tmp_path])
    with pytest.raises(UserError, match=r'a\.jpg: No such file'):
        read_photo(media.path)


@pytest.mark.parametrize(
    ('fps', 'written'),
    [
        (239.6834, 239.68),
        (240.003, 240),
        (65.6789, 65.68),
        (59.94006, 59.94),
        (999, 999),
    ],
)
def test_any_rate_of_frames_can_be_written(tmp_path, photo, fps, written):
    path = tmp_path / 'clip.mp4'
    video = VideoFile(path, fps, photo.shape[:2])
    for _ in range(3):
        video.write(photo)
    video.close()
    assert video.count_frames() == 3
    assert VideoFrames(path).fps == pytest.approx(written, abs=0.005)


def test_a_video_whose_end_is_missing_counts_no_frames(tmp_path, photo):
    path = tmp_path / 'clip.mp4'
    video = VideoFile(path, 10, photo.shape[:2])
    video.write(photo)
    video.close()
    path.write_bytes(path.read_bytes()[:400])
    assert video.count_frames() == 0


def test_videos_with_names_that_are_not_utf8_are_refused(folder, photo):
    path = folder / 'caf\udce9.mp4'
    (folder / 'clip.mp4').rename(path)
    with pytest.raises(UserError, match='not UTF-8'):
        VideoFrames(path)
    with pytest.raises(UserError, match='not UTF-8'):
        VideoFile(path, 10, photo.shape[:2])
