"""`python -m mlmodels.train CONFIG.toml`: train, or go on where a killed run stopped."""

import argparse
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mlmodels.train", description=__doc__)
    parser.add_argument("config", type=Path, help="a file of mlmodels/configs/")
    config: Path = parser.parse_args(arguments).config
    try:
        stage_of(config)(config)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"train: {error}\n")
        return 2
    return 0


def stage_of(config: Path) -> Callable[[Path], None]:
    """:raises BadConfig: no stage, or one that there is not"""
    from .options import BadConfig  # torch takes a second to import: --help need not wait for it

    stage = tomllib.loads(config.read_text()).get("stage")
    if stage not in STAGES:
        raise BadConfig(f"{config}: stage must be one of {', '.join(STAGES)}, not {stage}")
    return STAGES[stage]


def _train(config: Path) -> None:
    from . import options, training

    training.train(options.read_options(config), sys.stdout)


def _distill(config: Path) -> None:
    from . import distillation

    distillation.Distiller(distillation.read_options(config)).run(sys.stdout)


def _identity(config: Path) -> None:
    from . import identity

    identity.IdentityTrainer(identity.read_options(config)).run(sys.stdout)


STAGES: dict[str, Callable[[Path], None]] = {
    "teacher": _train,
    "student": _train,
    "distill": _distill,
    "pair": _train,
    "quantize": _train,
    "identity": _identity,
}


if __name__ == "__main__":
    raise SystemExit(main())
