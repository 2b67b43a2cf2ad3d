"""The real site with one more kind of work and less patience, for tests that kill its processes."""

from website.settings import *  # noqa: F403
from website.settings import INSTALLED_APPS, Q_CLUSTER, environment

INSTALLED_APPS = [*INSTALLED_APPS, "live_jobs"]
# Where hints go nowhere, no store is started, and none is missed.
VALKEY_IS_EMBEDDED = environment.CHANNEL_LAYER == "valkey"
Q_CLUSTER = {**Q_CLUSTER, "guard_cycle": 0.2}
WORK_CLUSTERS = ["slow"]
JOB_LEASE_SECONDS = 4
JOB_BEAT_SECONDS = 1
WORKER_SILENCE_SECONDS = 12
WORKER_START_SECONDS = 20
