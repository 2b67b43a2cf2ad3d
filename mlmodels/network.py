"""
The transform network: a picture and a style embedding in, the painted picture out.

Shapes: B batch, K feature channels, H height, W width, E embedding. Images are RGB floats in [0, 1].

Arbitrary style by conditional instance normalization (Dumoulin et al. 2017, eq. 5; Ghiasi et al. 2017): the embedding
predicts the scale and shift of every normalization layer, everything else is shared by all styles.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
Norm = Callable[[Tensor], Tensor]

EMBEDDING_SIZE = 128
BORDER = 16  # pixels of replicate padding, cropped again: zero padding alone leaves a halo around the picture
MULTIPLE = 8  # pixel-unshuffle by 2 and stride 2 twice
EPSILON = 1e-5  # added to a variance of activations of order one; fp32 statistics, so no larger floor is needed


@dataclass(frozen=True)
class SceneStatistics:
    """Mean and variance of every normalization layer, fp32, shape (1, K, 1, 1) each, in the network's order."""

    means: tuple[Tensor, ...]
    variances: tuple[Tensor, ...]


class ConditionalInstanceNorm(nn.Module):
    """Normalize per picture and channel, then scale by 1 + delta and shift as the style says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, features_BKHW: Tensor, style_B2K: Tensor, fixed: tuple[Tensor, Tensor] | None = None) -> Tensor:
        features = features_BKHW.float()  # half precision overflows the variance
        gamma, beta = 1 + style_B2K[:, : self.channels, None, None], style_B2K[:, self.channels :, None, None]
        if fixed is None and torch.is_grad_enabled():
            return _FusedNorm.apply(features, gamma, beta)
        scale, shift = scale_and_shift(fixed or measure(features, dims=(2, 3)), gamma, beta)
        return torch.addcmul(shift, features, scale)


class _FusedNorm(torch.autograd.Function):
    """
    The same as one operation for training: its backward pass reads the features three times instead of nine.

    With x' = (x - mean) r, r = 1 / sqrt(variance + epsilon) and n pixels, of y = gamma x' + beta:
    dgamma = sum(dy x'), dbeta = sum(dy), dx = gamma r (dy - dbeta / n - x' dgamma / n) (Ioffe & Szegedy 2015, sec. 3).
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        mean, variance = measure(features, dims=(2, 3))
        inverse = torch.rsqrt(variance + EPSILON)
        scale = inverse * gamma
        ctx.save_for_backward(features, mean, inverse, scale)
        return torch.addcmul(beta - mean * scale, features, scale)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (slope,) = outputs
        features, mean, inverse, scale = ctx.saved_tensors
        pixels = features.shape[2] * features.shape[3]
        by_shift = slope.sum((2, 3), keepdim=True)
        by_scale = inverse * ((slope * features).sum((2, 3), keepdim=True) - mean * by_shift)
        linear = -scale * inverse * by_scale / pixels
        constant = -scale * by_shift / pixels - linear * mean
        return torch.addcmul(constant, features, linear).addcmul_(slope, scale), by_scale, by_shift


def measure(features_BKHW: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return mean and (biased) variance over `dims`, kept as size-one axes."""
    # In two passes: var_mean takes five times as long on a channels-last layout.
    mean = features_BKHW.mean(dims, keepdim=True)
    return mean, (features_BKHW - mean).square_().mean(dims, keepdim=True)


def scale_and_shift(measured: tuple[Tensor, Tensor], gamma: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a norm layer of known mean and variance multiplies by and adds."""
    mean, variance = measured
    scale = torch.rsqrt(variance + EPSILON) * gamma
    return scale, beta - mean * scale


def separable(inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3) -> nn.Module:
    """Depthwise, then pointwise convolution (Howard et al. 2017): about one eighth of a plain one's work."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
    )


def ordinary(inputs: int, outputs: int, *, stride: int = 1) -> nn.Module:
    """A plain 3×3 convolution."""
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def as_plain(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """
    Return the weights of a layout's plain-convolution twin that paints the same (after Net2Net, Chen et al. 2016):
    of each depthwise and pointwise pair the one kernel that both together are.
    """
    joined = dict(weights)
    for name, depthwise in weights.items():
        pointwise = weights.get(name.replace(".0.weight", ".1.weight"))
        if name.endswith(".0.weight") and pointwise is not None and pointwise.ndim == 4 and depthwise.shape[1] == 1:
            del joined[name], joined[name.replace(".0.weight", ".1.weight")]
            joined[name.replace(".0.weight", ".weight")] = pointwise * depthwise[:, 0]
    return joined


def binomial_kernel(channels: int) -> Tensor:
    """Return [1 2 1]/4 in both directions per channel: zero at the Nyquist frequency, so no checkerboard passes."""
    taps = torch.tensor([1.0, 2.0, 1.0]) / 4
    return torch.outer(taps, taps).expand(channels, 1, 3, 3).clone()


def subpixel_binomial() -> Tensor:
    """
    Return (12, 12, 3, 3): the filter [1 2 1]/4 in both directions of the full-size picture, as a convolution of the
    sub-pixels that a pixel-shuffle by two will spread. It is zero at the Nyquist frequency: no checkerboard passes.
    """
    taps = torch.tensor([1.0, 2.0, 1.0]) / 4
    weights = torch.zeros(3, 2, 2, 3, 2, 2, 3, 3)  # colour, row and column out; the same in; kernel
    for row, column, down, across in product((0, 1), (0, 1), (-1, 0, 1), (-1, 0, 1)):
        y, x = row + down, column + across
        for colour in range(3):
            place = colour, row, column, colour, y % 2, x % 2, 1 + y // 2, 1 + x // 2
            weights[place] += taps[down + 1] * taps[across + 1]
    return weights.view(12, 12, 3, 3)


class TransformNetwork(nn.Module, ABC):
    """
    What every layout of the painter has: the linear layer from embedding to scales and shifts, the norms it feeds, the
    border, and two ways to normalize, frame by frame or by a scene's statistics.

    :param widths: channels of the norm layers in the order in which they are run
    """

    options: dict[str, int]
    plain = False

    def __init__(self, embedding: int, widths: list[int], last: nn.Conv2d) -> None:
        super().__init__()
        self.widths = widths
        self.film = nn.Linear(embedding, 2 * sum(widths))
        self.norms = nn.ModuleList([ConditionalInstanceNorm(channels) for channels in widths])
        self.last = last
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)
        with torch.no_grad():  # ICNR (Aitken et al. 2017): the four sub-pixels start alike
            grouped = self.last.weight.view(3, 4, *self.last.weight.shape[1:])
            grouped[:] = grouped[:, :1].clone()

    @abstractmethod
    def run(self, padded: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        """
        Return painting and quarter-size features of a picture whose sides are multiples of 8.

        `norm` is called for each norm layer in the order of `widths`.
        """

    def forward(self, images_B3HW: Tensor, embedding_BE: Tensor) -> Tensor:
        """Paint; any height and width of at least 32 pixels. Returns (B, 3, H, W) in [0, 1]."""
        return self.paint(images_B3HW, embedding_BE)[0]

    def paint(
        self, images_B3HW: Tensor, embedding_BE: Tensor, statistics: SceneStatistics | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the painting and the quarter-size features before it, which the temporal loss compares."""
        return self._inside(images_B3HW, *self.run(pad(images_B3HW), _Norms(self, embedding_BE, statistics)))

    @staticmethod
    def _inside(images_B3HW: Tensor, painted: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Cut the border off the painting and off the quarter-size features."""
        height, width = images_B3HW.shape[-2:]
        inside = features[..., BORDER // 4 : (BORDER + height) // 4, BORDER // 4 : (BORDER + width) // 4]
        return painted[..., BORDER : BORDER + height, BORDER : BORDER + width], inside

    def paint_measured(self, images_B3HW: Tensor, embedding_BE: Tensor) -> tuple[Tensor, Tensor, SceneStatistics]:
        """Paint as without statistics, and return those of the first picture too; gradients pass through them."""
        norms = _Norms(self, embedding_BE, None, first_measured=True)
        painted, features = self.run(pad(images_B3HW), norms)
        return *self._inside(images_B3HW, painted, features), norms.measured()

    def statistics(self, images_B3HW: Tensor, embedding_BE: Tensor) -> SceneStatistics:
        """Measure every norm layer over the whole batch at once: the statistics of a scene."""
        norms = _Norms(self, embedding_BE, None, together=True)
        self.run(pad(images_B3HW), norms)
        return norms.measured()


PRUNABLE = ("half", "within", "deep_within", "door")  # options of the layout `student` that `pruning` makes smaller


class EighthNetwork(TransformNetwork):
    """
    Half size at the door (a convolution of stride 2), a quarter, an eighth in the residual body, and back.

    Strokes are large things: at an eighth of the size they cost a quarter of what they cost at a quarter of it. The
    picture's own edges come back by the sum with the quarter-size features, and its finest detail by a path of its own:
    the picture itself, normalized and scaled as the style says (by nothing at the start), is added before the sigmoid.
    A fixed binomial filter takes every checkerboard away from what the other layers add. Each convolution but the last
    is followed by conditional instance normalization.

    :param width: channels at a quarter of the size; deep: at an eighth; half: at half of it, by default half of width
    :param within: channels inside of the residual blocks at a quarter; deep_within: at an eighth; by default as outside
    :param door: side of the first kernel, in pixels: even, because its stride is two
    :param plain: plain convolutions in place of depthwise-separable ones (the teacher)
    """

    def __init__(
        self,
        *,
        embedding: int = EMBEDDING_SIZE,
        width: int = 64,
        deep: int = 96,
        blocks: int = 4,
        half: int | None = None,
        within: int | None = None,
        deep_within: int | None = None,
        door: int = 6,
        plain: bool = False,
    ) -> None:
        conv, half = ordinary if plain else separable, half or width // 2
        within, deep_within = within or width, deep_within or deep
        widths = [half, width, within, width, deep, *[deep_within, deep] * blocks, width, within, width, half, half, 3]
        super().__init__(embedding, widths, nn.Conv2d(half, 12, 1))
        with torch.no_grad():  # scale = 1 + Δ of the picture's own path
            self.film.weight[-6:] = 0
            self.film.bias[-6:-3] = -1
        self.options = {
            "embedding": embedding, "width": width, "deep": deep, "blocks": blocks, "half": half,
            "within": within, "deep_within": deep_within, "door": door,
        }  # fmt: skip
        self.plain = plain
        self.first = nn.Conv2d(3, half, door, stride=2, padding=door // 2 - 1, bias=False)
        self.down = conv(half, width, stride=2)
        self.near = nn.ModuleList([conv(width, within), conv(within, width)])
        self.deeper = conv(width, deep, stride=2)
        body = [(conv(deep, deep_within), conv(deep_within, deep)) for _ in range(blocks)]
        self.body = nn.ModuleList([part for block in body for part in block])
        self.shallower = nn.Conv2d(deep, width, 1, bias=False)
        self.far = nn.ModuleList([conv(width, within), conv(within, width)])
        self.narrow = nn.Conv2d(width, half, 1, bias=False)
        self.up = conv(half, half)
        self.binomial: Tensor
        self.register_buffer("binomial", subpixel_binomial(), persistent=False)

    def run(self, padded: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        features = F.relu(norm(self.first(padded)))
        quarter = _residual(self.near, F.relu(norm(self.down(features))), norm)
        eighth = _residual(self.body, F.relu(norm(self.deeper(quarter))), norm)
        quarter = quarter + doubled(norm(self.shallower(eighth)))
        quarter = _residual(self.far, quarter, norm)
        half = F.relu(norm(self.up(doubled(F.relu(norm(self.narrow(quarter)))))))
        subpixels = self._smooth(self.last(half)) + _unshuffled(norm(padded))
        return F.pixel_shuffle(torch.sigmoid(subpixels), 2), quarter

    def _smooth(self, subpixels: Tensor) -> Tensor:
        with single_precision():
            return F.conv2d(subpixels.float(), self.binomial, padding=1)


class QuarterNetwork(TransformNetwork):
    """The layout of impasto-v1: the whole residual body at a quarter of the size."""

    def __init__(self, *, embedding: int = EMBEDDING_SIZE, blocks: int = 5, kernel: int = 5, width: int = 64) -> None:
        half = width // 2
        super().__init__(embedding, [half, width, *[width] * (2 * blocks), half], nn.Conv2d(half, 12, 3, padding=1))
        self.options = {"embedding": embedding, "blocks": blocks, "kernel": kernel, "width": width}
        self.first = nn.Conv2d(12, half, 3, padding=1, bias=False)
        self.down = separable(half, width, stride=2)
        self.body = nn.ModuleList([separable(width, width, kernel=kernel) for _ in range(2 * blocks)])
        self.up = separable(width, half)
        self.binomial: Tensor
        self.register_buffer("binomial", binomial_kernel(3))

    def run(self, padded: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        features = F.relu(norm(self.first(_unshuffled(padded))))
        features = _residual(self.body, F.relu(norm(self.down(features))), norm)
        wide = F.relu(norm(self.up(doubled(features))))
        return torch.sigmoid(self._full_size(self.last(wide))), features

    def _full_size(self, subpixels: Tensor) -> Tensor:
        full = F.pad(F.pixel_shuffle(subpixels.float(), 2), (1, 1, 1, 1), mode="replicate")
        with single_precision():
            return F.conv2d(full, self.binomial, groups=3)


def _unshuffled(padded: Tensor) -> Tensor:
    return F.pixel_unshuffle(padded, 2).contiguous(memory_format=torch.channels_last)


def _residual(convolutions: nn.ModuleList, features: Tensor, norm: Norm) -> Tensor:
    for first, second in zip(convolutions[::2], convolutions[1::2], strict=True):
        features = features + norm(second(F.relu(norm(first(features)))))
    return features


def doubled(features: Tensor) -> Tensor:
    """Nearest-neighbour upsampling by two: every mobile compiler has it."""
    return F.interpolate(features, scale_factor=2, mode="nearest")


class _Norms:
    """
    One pass through the norm layers in order, with live or fixed statistics.

    :param together: normalize the whole batch by the statistics of all of it, and keep them
    :param first_measured: keep the statistics of the first picture
    """

    def __init__(
        self,
        network: TransformNetwork,
        embedding: Tensor,
        fixed: SceneStatistics | None,
        *,
        together: bool = False,
        first_measured: bool = False,
    ) -> None:
        self.layers = iter(network.norms)
        self.styles = iter(network.film(embedding).split([2 * width for width in network.widths], dim=1))
        self.fixed = iter(zip(fixed.means, fixed.variances, strict=True)) if fixed else None
        self.together, self.first_measured = together, first_measured
        self._kept: list[tuple[Tensor, Tensor]] = []

    def __call__(self, features: Tensor) -> Tensor:
        statistics = next(self.fixed) if self.fixed else None
        if self.together:
            statistics = measure(features.float(), dims=(0, 2, 3))
            self._kept.append(statistics)
        elif self.first_measured:
            self._kept.append(measure(features[:1].float(), dims=(2, 3)))
        return next(self.layers)(features, next(self.styles), statistics)

    def measured(self) -> SceneStatistics:
        means, variances = zip(*self._kept, strict=True)
        return SceneStatistics(means, variances)


def single_precision() -> AbstractContextManager[object]:
    """Step out of autocast: half a level of banding in the painting would be flicker between frames."""
    kind = next((kind for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)), None)
    return torch.autocast(kind, enabled=False) if kind else nullcontext()


def pad(images_B3HW: Tensor) -> Tensor:
    """Replicate the border by 16 px, and on the far sides up to the next multiple of 8."""
    height, width = images_B3HW.shape[-2:]
    right, bottom = -width % MULTIPLE, -height % MULTIPLE
    return F.pad(images_B3HW, (BORDER, BORDER + right, BORDER, BORDER + bottom), mode="replicate")


def channels_last(module: M) -> M:
    """Return the module with its weights laid out as CPU convolutions want them (unknown to torch's stubs)."""
    return cast(M, cast(Any, module).to(memory_format=torch.channels_last))


NETWORKS: dict[str, Callable[..., TransformNetwork]] = {
    "student": EighthNetwork,
    "teacher": partial(EighthNetwork, plain=True),
    "quarter": QuarterNetwork,
}
