"""From features to heatmaps at a finer grid (B6 and B7, D6 and D7); their start."""

from mmengine.model import bias_init_with_prob
from torch import nn

from phr_mmpose.models.layers.bilinear_deconv import BilinearDeconv2d
from phr_mmpose.utils.errors import UserError


def build_score_layers(
    in_channels: int, keypoints: int, stride: int, merged: bool = False
) -> tuple[nn.Module, nn.Module]:
    """Build the scoring layer and the up-sampling after it.

    Args:
        in_channels (int): Channels of the features.
        keypoints (int): Keypoints K.
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
        score = nn.ConvTranspose2d(in_channels, keypoints, stride, stride)
        up = nn.Identity()
    else:
        score = nn.Conv2d(in_channels, keypoints, 1)
        up = BilinearDeconv2d(keypoints, stride) if stride > 1 else nn.Identity()
    nn.init.zeros_(score.weight)
    nn.init.zeros_(score.bias)
    return score, up


def start_from_prior(score: nn.Module, prior: float) -> None:
    """Let logits begin at a probability, through the bias of their layer.

    A small one spares the first iterations, which else only learn that nearly all
    pixels are background (Lin et al., Focal Loss, ICCV 2017, section 4.1).

    Args:
        score (nn.Module): The layer, with a bias.
        prior (float): The probability.

    Raises:
        UserError: If it is not between 0 and 1.
    """
    if not 0 < prior < 1:
        raise UserError(f"a detector's prior must lie between 0 and 1, got {prior}")
    nn.init.constant_(score.bias, bias_init_with_prob(prior))
