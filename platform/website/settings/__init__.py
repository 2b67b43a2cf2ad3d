"""Settings by subject; every environment variable is read in `environment.py` and nowhere else."""

from .accounts import *
from .api import *
from .base import *
from .channels import *
from .database import *
from .logs import *
from .queue import *
from .security import *
from .staff import *
from .storage import *
