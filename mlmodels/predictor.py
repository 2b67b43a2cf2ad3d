"""
Style predictors: a picture in, the embedding that the transform network's norm layers read out.

The teacher sees VGG16 channel statistics, of which the style loss is a function, so it generalizes from few styles.
The one that ships is a MobileNetV3-small (Howard et al. 2019, table 2) that learns the teacher's embedding from any
picture.
"""

import torch
from torch import Tensor, nn

from .network import EMBEDDING_SIZE
from .options import STYLE_SIZE
from .vgg import STATISTICS_SIZE


class StatisticsPredictor(nn.Module):
    """Teacher: standardized VGG16 statistics (B, 1920) to an embedding (B, E). The constants travel as buffers."""

    def __init__(self, embedding: int = EMBEDDING_SIZE, hidden: int = 256) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.zeros(STATISTICS_SIZE))
        self.register_buffer("deviation", torch.ones(STATISTICS_SIZE))
        self.layers = nn.Sequential(nn.Linear(STATISTICS_SIZE, hidden), nn.ReLU(), nn.Linear(hidden, embedding))

    def standardize_to(self, statistics_NS: Tensor) -> None:
        """Take mean and deviation from a sample of styles."""
        self.mean.copy_(statistics_NS.mean(0))
        self.deviation.copy_(statistics_NS.std(0) + 1e-3)

    def forward(self, statistics_BS: Tensor) -> Tensor:
        return self.layers((statistics_BS - self.mean) / self.deviation)


class SqueezeExcite(nn.Module):
    """Scale channels by what the whole picture says (Hu et al. 2018), with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(8, (channels // 4 + 4) // 8 * 8)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features * self.gate(features)


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, squeeze-excite, project; a residual where shapes allow."""

    def __init__(self, row: "Row", inputs: int) -> None:
        super().__init__()
        kernel, expanded, outputs, squeeze, swish, stride = row
        act: type[nn.Module] = nn.Hardswish if swish else nn.ReLU
        steps: list[nn.Module] = []
        if expanded != inputs:
            steps += [nn.Conv2d(inputs, expanded, 1, bias=False), nn.BatchNorm2d(expanded), act()]
        depthwise = nn.Conv2d(expanded, expanded, kernel, stride, kernel // 2, groups=expanded, bias=False)
        steps += [depthwise, nn.BatchNorm2d(expanded), act()]
        if squeeze:
            steps.append(SqueezeExcite(expanded))
        steps += [nn.Conv2d(expanded, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.steps = nn.Sequential(*steps)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        return features + self.steps(features) if self.residual else self.steps(features)


Row = tuple[int, int, int, bool, bool, int]  # kernel, expanded, outputs, squeeze-excite, hard swish, stride
SMALL: tuple[Row, ...] = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)


class SeeingPredictor(nn.Module):
    """
    What all students have beside their embedding: a way from there to strength 0.

    Painted in its own style a picture changes, as in every style. `identity` is learned by a stage of its own; until
    then, and in weights from before it, the picture's own embedding stays what it is.
    """

    TAUGHT_SIZE: int  # pixels of a picture's side in training
    INPUT_SIZE: int  # and in use

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.identity = torch.nn.utils.skip_init(nn.Linear, embedding, embedding)
        nn.init.zeros_(self.identity.weight)
        nn.init.zeros_(self.identity.bias)
        self.register_load_state_dict_pre_hook(_without_identity)

    def identity_of(self, embedding_BE: Tensor) -> Tensor:
        """
        Return the embedding (B, E) that paints a picture as it is, from the picture's own.

        It is affine: of a mean of embeddings it is the mean.
        """
        return embedding_BE + self.identity(embedding_BE)


def _without_identity(module: nn.Module, weights: dict[str, Tensor], prefix: str, *_: object) -> None:
    for name, value in module.get_submodule("identity").state_dict().items():
        weights.setdefault(f"{prefix}identity.{name}", torch.zeros_like(value))


class MobileNetV3Texture(SeeingPredictor):
    """
    Student: RGB pictures (B, 3, S, S) in [0, 1] to an embedding (B, E).

    The first eight blocks of MobileNetV3-small, down to a sixteenth of the size: style is texture, and the last three
    blocks, which tell a thousand kinds of objects apart, hold most of the weights. The head reads mean and deviation of
    every level, the same kind of numbers that the teacher is given.

    What it is shown in use is larger than what it was taught with, for what is painted is larger too: strokes of a
    picture shown larger are painted larger, and frames are some twice as large as the crops of the training (the
    discrepancy that Touvron et al. 2019, "Fixing the train-test resolution discrepancy", is about).
    """

    TAUGHT_SIZE = STYLE_SIZE
    INPUT_SIZE = 320

    def __init__(self, embedding: int = EMBEDDING_SIZE, *, blocks: int = 8, tail: int = 192, hidden: int = 176) -> None:
        super().__init__(embedding)
        rows = SMALL[:blocks]
        widths = [16, *[row[2] for row in rows]]
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        self.blocks = nn.ModuleList([InvertedResidual(row, inputs) for row, inputs in zip(rows, widths, strict=False)])
        self.tail = nn.Sequential(nn.Conv2d(widths[-1], tail, 1, bias=False), nn.BatchNorm2d(tail), nn.Hardswish())
        seen = 2 * (3 + sum(widths) + tail)
        self.standardize = nn.BatchNorm1d(seen, affine=False)
        self.head = nn.Sequential(nn.Linear(seen, hidden), nn.Hardswish(), nn.Linear(hidden, embedding))
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images_B3HW: Tensor) -> Tensor:
        features = (images_B3HW - self.mean) / self.deviation
        seen = [_moments(features)]
        for part in (self.stem, *self.blocks, self.tail):
            features = part(features)
            seen.append(_moments(features))
        return self.head(self.standardize(torch.cat(seen, dim=1)))


class MobileNetV3Small(SeeingPredictor):
    """The student of impasto-v1: all eleven blocks; the head reads two earlier levels and the last one's mean."""

    TAUGHT_SIZE = INPUT_SIZE = 192

    def __init__(self, embedding: int = EMBEDDING_SIZE, hidden: int = 384) -> None:
        super().__init__(embedding)
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        widths = [16, *[row[2] for row in SMALL]]
        self.blocks = nn.ModuleList([InvertedResidual(row, inputs) for row, inputs in zip(SMALL, widths, strict=False)])
        self.tail = nn.Sequential(nn.Conv2d(96, 576, 1, bias=False), nn.BatchNorm2d(576), nn.Hardswish())
        self.head = nn.Sequential(
            nn.Linear(2 * (16 + 24 + 48) + 576, hidden), nn.Hardswish(), nn.Linear(hidden, embedding)
        )
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images_B3HW: Tensor) -> Tensor:
        features = self.stem((images_B3HW - self.mean) / self.deviation)
        seen = [_moments(features)]
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in (2, 7):
                seen.append(_moments(features))
        return self.head(torch.cat([*seen, self.tail(features).mean((2, 3))], dim=1))


def _moments(features: Tensor) -> Tensor:
    variance, mean = torch.var_mean(features, (2, 3))
    return torch.cat([mean, torch.sqrt(variance + 1e-6)], dim=1)


PREDICTORS: dict[str, type[MobileNetV3Texture] | type[MobileNetV3Small]] = {
    "mobilenetv3-texture": MobileNetV3Texture,
    "mobilenetv3-small": MobileNetV3Small,
}
