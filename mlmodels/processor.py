"""What the processor at hand is good at. Only Linux tells; elsewhere the careful answer is given."""

from functools import cache
from pathlib import Path


@cache
def has_bf16() -> bool:
    """Say whether the processor has bfloat16 dot products (AVX-512 BF16 or AMX)."""
    return bool({"avx512_bf16", "amx_bf16"} & _features())


@cache
def has_int8_dot_products() -> bool:
    """
    Say whether the processor sums products of bytes in 32 bits (VNNI, AMX, Arm's dot products).

    Without, two products at a time are summed in 16 bits, where 2 × 255 × 127 is cut off at 32,767 without a word.
    """
    return bool({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp"} & _features())


def _features() -> set[str]:
    described = Path("/proc/cpuinfo")
    return set(described.read_text().split()) if described.exists() else set()
