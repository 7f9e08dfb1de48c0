import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine import fileio

from phr_mmpose.datasets.figures import draw_figure
from phr_mmpose.datasets.figures.file_backend import FigurePath
from phr_mmpose.utils.errors import UserError

PATH = 'figures://image_size=64,occlusion=0.25,back_views=0.0/figure_7_12.png'


def test_a_path_is_drawn():
    content = fileio.get(PATH)
    assert content.startswith(b'\x89PNG')
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(picture, draw_figure(7, 12, 64, 0.25, 0.0).image)
    assert fileio.get(PATH, backend_args={'backend': 'figures'}) == content


def test_it_holds_no_text():
    with pytest.raises(ValueError, match='no text'):
        fileio.get_text(PATH)


share = st.floats(0, 1)


@given(
    figure=st.builds(
        FigurePath,
        seed=st.integers(0, 2**64),
        number=st.integers(0),
        image_size=st.integers(64, 1024),
        occlusion=share,
        back_views=share,
    )
)
def test_paths_read_back(figure):
    assert FigurePath.parse(str(figure)) == figure


@pytest.mark.parametrize(
    'old, new',
    [
        ('image_size=64', 'image_size=63'),
        ('image_size=64', 'image_size=1025'),
        ('image_size=64', 'image_size=-64'),
        ('image_size=64,', ''),
        ('occlusion=0.25', 'occlusion=1.5'),
        ('occlusion=0.25', 'occlusion=nan'),
        ('back_views=0.0', 'back_views=much'),
        ('figure_7_12', 'figure_7'),
        ('12.png', '12.jpg'),
        ('12.png', '9' * 5000 + '.png'),
    ],
)
def test_another_path_is_refused_in_one_line(old, new):
    assert old in PATH
    path = PATH.replace(old, new)
    with pytest.raises(UserError) as caught:
        fileio.get(path)
    # Of a long name the middle is left out.
    assert path[:100] in str(caught.value) and '\n' not in str(caught.value)
