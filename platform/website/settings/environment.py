"""The one place that reads the environment: real types out, and an unknown value stops the start."""

from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parents[3]
env = environ.Env()

VAR_DIR = Path(env.str("IMPASTO_VAR", default=str(ROOT / "var"))).resolve()
DEBUG = env.bool("IMPASTO_DEBUG", default=False)
