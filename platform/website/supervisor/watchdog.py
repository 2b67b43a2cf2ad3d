"""
The supervisor's last will, in a process of its own.

The kernel kills our children when we die, but not their children: django-q's workers and what they started. The
supervisor writes every family's process group down a pipe; when the pipe breaks, the supervisor is gone, and this
process kills what it knew. Runs without Django, so that it costs next to nothing.
"""

import os
import signal
import sys
from contextlib import suppress


def main(pipe: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    with os.fdopen(pipe) as lines:
        for line in lines:
            group = int(line)
            if group > 0:
                groups.add(group)
            else:
                groups.discard(-group)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
