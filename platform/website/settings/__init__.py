"""Settings by subject; every environment variable is read in `environment.py` and nowhere else."""

from .base import *
