"""From features to part maps at a finer grid: B6 and B7, D6 and D7."""

from torch import nn

from phr_mmpose.models.layers.bilinear_deconv import BilinearDeconv2d


def build_score_layers(
    in_channels: int, parts: int, stride: int, merged: bool = False
) -> tuple[nn.Module, nn.Module]:
    """Build the scoring layer and the up-sampling after it.

    Args:
        in_channels (int): Channels of the features.
        parts (int): Parts K.
        stride (int): Factor between the features' grid and the maps'.
        merged (bool): False, the paper's layers: a 1x1 convolution to K
            scores, then a deconvolution of these K maps. Where a joint lies
            *within* a cell must then pass through the K scores of that cell,
            which is enough while targets are wider than a cell. True: one
            deconvolution from the features to K maps, for narrower ones.
            Defaults to False.

    Returns:
        tuple[nn.Module, nn.Module]: Scores and up-sampling; the scores'
        weights and all biases are zero.
    """
    if merged and stride > 1:
        score = nn.ConvTranspose2d(in_channels, parts, stride, stride)
        up = nn.Identity()
    else:
        score = nn.Conv2d(in_channels, parts, 1)
        up = BilinearDeconv2d(parts, stride) if stride > 1 else nn.Identity()
    nn.init.zeros_(score.weight)
    nn.init.zeros_(score.bias)
    return score, up
