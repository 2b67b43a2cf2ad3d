from . import environment

# One attempt may run this long; long clips are bounded well below it.
TASK_SECONDS_MAX = 2 * 60 * 60
# A task is delivered again this long after it left the queue, whether it runs or not: far above any run. The job's
# lease makes a second delivery harmless, and the reaper gives lost work back much earlier.
TASK_REDELIVERY_SECONDS = 24 * 60 * 60

_COMMON = {
    "orm": "default",
    "poll": 0.2,
    "queue_limit": 1,
    "guard_cycle": 0.5,
    "timeout": TASK_SECONDS_MAX,
    "retry": TASK_REDELIVERY_SECONDS,
    # Exceptions are counted in the job's row, where crashes count too.
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 200,
    "recycle": 50,
    "max_rss": 700_000,
    "compress": False,
    "label": "Queue",
}

# Two clusters, so that an upload is not kept waiting behind an hour of painting. `async_task(..., cluster="quick")`.
Q_CLUSTER = {
    **_COMMON,
    "name": "slow",
    "workers": environment.SLOW_WORKERS,
    "ALT_CLUSTERS": {"quick": {**_COMMON, "workers": environment.QUICK_WORKERS, "scheduler": False}},
}
WORK_CLUSTERS = ["slow", "quick"]

# Idle workers beat every few seconds. A cluster that shows no sign of life for this long is taken for frozen and is
# started again (killing an idle worker can take the lock of django-q's inner queue along), but not before it has had
# the time to start at all on a busy machine.
WORKER_SILENCE_SECONDS = environment.WORKER_SILENCE_SECONDS
WORKER_START_SECONDS = environment.WORKER_START_SECONDS
