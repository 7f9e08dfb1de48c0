"""Where a photo's pixels land in a crop."""

import numpy as np

from phr_mmpose.visualization.crops import crop_photo


def test_a_crop_over_the_border():
    image = np.zeros((60, 50, 3), np.uint8)
    image[16, 8] = 255
    # 48 pixels about (20, 30) become 480: pixel (8, 16) is 12 left of the middle
    # and 14 above.
    crop, matrix = crop_photo(image, np.array([20.0, 30]), np.array([48.0, 48]), 480)
    assert crop.shape == (480, 480, 3)
    place = matrix @ [8, 16, 1]
    np.testing.assert_allclose(place, [240 - 120, 240 - 140])
    brightest = np.unravel_index(crop[..., 0].argmax(), crop.shape[:2])
    np.testing.assert_allclose(brightest[::-1], place, atol=1)
    # The crop reaches 4 px over the photo's left border.
    assert not crop[:, :20].any()


def test_the_longer_side_decides():
    image = np.zeros((60, 50, 3), np.uint8)
    crop, _ = crop_photo(image, np.array([20.0, 30]), np.array([20.0, 40]), 100)
    assert crop.shape == (100, 50, 3)


def test_what_is_outside_the_photo():
    image = np.zeros((10, 10, 3), np.uint8)
    crop, _ = crop_photo(image, np.array([0.0, 5]), np.array([10.0, 10]), 100, 240)
    # Cubic interpolation rings for two pixels of the photo, 20 of the crop.
    assert (crop[30:70, :25] == 240).all() and (crop[30:70, 75:] == 0).all()
