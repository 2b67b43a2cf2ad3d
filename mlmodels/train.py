"""`python -m mlmodels.train CONFIG.toml`: train, or go on where a killed run stopped."""

import argparse
import sys
import tomllib
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mlmodels.train", description=__doc__)
    parser.add_argument("config", type=Path, help="a file of mlmodels/configs/")
    config: Path = parser.parse_args(arguments).config
    from . import distillation, training

    try:
        stage = tomllib.loads(config.read_text()).get("stage", "transform")
        if stage == "distill":
            distillation.Distiller(distillation.read_options(config)).run(sys.stdout)
        else:
            training.train(training.read_options(config), sys.stdout)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"train: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
