import torch

from phr_mmpose.codecs import PositiveConfidence


def test_negative_values_count_as_zero():
    codec = PositiveConfidence((8, 8), (8, 8))
    maps = torch.full((1, 3, 8, 8), -2.0)
    maps[0, 0, 5, 3] = 0.5
    maps[0, 2, 7, 7] = -1.0
    before = maps.clone()
    points, scores = codec.decode_batch(maps)
    assert points[0].tolist() == [[3, 5], [0, 0], [0, 0]]
    assert scores[0].tolist() == [0.5, 0, 0]
    assert torch.equal(maps, before)
