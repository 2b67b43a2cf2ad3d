"""
Wide-gamut and high-dynamic-range colours, brought into what every screen shows (bt709).

libav's own tone mapping needs a library that the wheels lack. A table does the same: it is worked out here once per
clip, and libav's `lut3d` filter applies it to the pixels.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]
BT2020, PQ, HLG = 9, 16, 18  # ITU-T H.273: primaries; transfer characteristics
SIZE = 33
# BT.2408: the white of a page in an HDR picture, in candela per square metre.
WHITE = 203.0
TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
# Below, colours stay as they are; above, they approach full white ever more slowly.
KNEE = 0.7
GAMMA = 2.4


def needs_table(primaries: int, transfer: int) -> bool:
    return primaries == BT2020 or transfer in (PQ, HLG)


def write_table(path: Path, primaries: int, transfer: int) -> Path:
    """Write the table as a `.cube` file."""
    steps = np.linspace(0, 1, SIZE)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red changes fastest
    colours = to_bt709(np.stack([red, green, blue], axis=-1).reshape(-1, 3), primaries, transfer)
    rows = "\n".join(" ".join(f"{value:.6f}" for value in colour) for colour in colours)
    path.write_text(f"LUT_3D_SIZE {SIZE}\n{rows}\n")
    return path


def to_bt709(coded: Colours, primaries: int, transfer: int) -> Colours:
    """Turn coded RGB (N, 3) in [0, 1] into coded bt709."""
    light = _light(coded, transfer)
    if primaries == BT2020:
        light = light @ TO_BT709.T
    return np.clip(_rolled_off(np.maximum(light, 0)), 0, 1) ** (1 / GAMMA)


def _light(coded: Colours, transfer: int) -> Colours:
    """Light as it leaves a screen; 1 is white."""
    if transfer == PQ:
        return _pq_light(coded) / WHITE
    if transfer == HLG:
        return _hlg_light(coded) / WHITE
    return coded**GAMMA


def _pq_light(coded: Colours) -> Colours:
    """SMPTE ST 2084, in candela per square metre."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = coded ** (1 / m2)
    return 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def _hlg_light(coded: Colours) -> Colours:
    """BT.2100 hybrid log-gamma on a screen of 1,000 candela per square metre."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return 1000 * scene * np.maximum(luminance, 1e-9)[:, None] ** 0.2


def _rolled_off(light: Colours) -> Colours:
    """Bend highlights below white, all three channels by one factor, so that hues stay."""
    brightest = light.max(axis=-1, keepdims=True)
    room = 1 - KNEE
    bent = KNEE + room * (1 - np.exp(-np.maximum(brightest - KNEE, 0) / room))
    return light * np.where(brightest > KNEE, bent / np.maximum(brightest, 1e-9), 1.0)
