"""
Walls around the process that reads a stranger's file: how much it may use, and what it may ask of the kernel.

A fault in a decoder then costs this one process, which holds no secrets, reaches no network, starts no programs and
opens no files but its own.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from .bounds import Bounds

CLONE_NEWNET, CLONE_NEWUSER, CLONE_THREAD = 0x40000000, 0x10000000, 0x00010000
PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 4, 22, 2
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # EPERM; ENOSYS, so that libc tries the older call
# socket connect socketpair execve execveat fork vfork ptrace process_vm_writev bpf userfaultfd io_uring_setup mount
X86_CALLS = (41, 42, 53, 59, 322, 57, 58, 101, 311, 321, 323, 425, 165)
ARM_CALLS = (198, 203, 199, 221, 281, 117, 271, 280, 282, 425, 40)
# Kernel numbers: architecture token, clone, clone3, and the calls that are refused: those above, and then
# kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal.
ARCHITECTURES = {
    "x86_64": (0xC000003E, 56, 435, [*X86_CALLS, 62, 200, 234, 129, 297, 424]),
    "aarch64": (0xC00000B7, 220, 435, [*ARM_CALLS, 129, 130, 131, 138, 240, 424]),
}

# Landlock (Linux 5.13 and later; the numbers are the same on every architecture).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION, PATH_BENEATH = 1, 1
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_REGULAR, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8, 1 << 14
# What there is to forbid, by the version of the kernel's interface: linking across folders came with 2, truncating
# with 3.
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
ON_A_FILE = WRITE_FILE | READ_FILE | TRUNCATE
TO_READ = READ_FILE | READ_DIR
TO_WRITE = TO_READ | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_REGULAR
# What the interpreter and its libraries may still want to load, and what they ask about themselves.
RUNTIME = (
    sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2]),
    "/usr/lib", "/lib", "/lib64", "/dev/urandom", "/proc/self", "/sys/devices/system/cpu",
)  # fmt: skip
# Nothing written there stays: one swallows it, the other is the disk without room that the tests write to.
SINKS = (Path("/dev/null"), Path("/dev/full"))


def limit(bounds: Bounds) -> None:
    """Bound processor time, memory, file size and open files of this process."""
    _limit(resource.RLIMIT_CPU, bounds.cpu_seconds)
    _limit(resource.RLIMIT_AS, bounds.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, bounds.output_bytes)
    _limit(resource.RLIMIT_NOFILE, bounds.open_files)
    _limit(resource.RLIMIT_CORE, 0)


def confine(*, reads: Iterable[Path] = (), writes: Iterable[Path] = ()) -> list[str]:
    """
    Give up network, programs and files for good, but for files in `reads` and folders in `writes`.

    Returns what was managed: "netns", "landlock", "seccomp"; an older kernel has less to offer, and another system
    nothing. Signals to other processes go with them. Call it when everything is imported and before threads are
    started.
    """
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    rules = [(path, TO_READ) for path in [*map(Path, RUNTIME), *reads]] + [
        (path, TO_WRITE) for path in [*SINKS, *writes]
    ]
    walls = {
        "netns": _leave_network(libc),
        "landlock": _forbid_files(libc, rules),
        "seccomp": _filter_calls(libc),
    }
    return [name for name, stands in walls.items() if stands]


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _leave_network(libc: ctypes.CDLL) -> bool:
    """An empty network of our own; not every machine lets an ordinary user have one."""
    return libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0


def _forbid_files(libc: ctypes.CDLL, rules: list[tuple[Path, int]]) -> bool:
    """Forbid every file and folder that no rule allows."""
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION)
    if version < 1 or libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    rights = RIGHTS[min(version, max(RIGHTS))]
    attributes = struct.pack("=Q", rights)
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        allowed = all(_allow(libc, ruleset, path, wanted & rights) for path, wanted in rules)
        return allowed and libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> bool:
    """Add a rule; what is not there needs none."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        rule = struct.pack("=Qi", rights if path.is_dir() else rights & ON_A_FILE, place)
        return libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0) == 0
    finally:
        os.close(place)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    known = ARCHITECTURES.get(platform.machine())
    if known is None or libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    code = _program(*known)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    program = Program(len(code) // 8, ctypes.addressof(buffer))
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def _program(architecture: int, clone: int, clone3: int, refused: list[int]) -> bytes:
    """
    The filter, in the kernel's classic BPF: load the call's number, compare, answer.

    A new thread is allowed, a new process is not: the first argument of `clone` tells them apart.
    """
    load, equal, has_bits, answer = 0x20, 0x15, 0x45, 0x06
    steps = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, REFUSE), (load, 0, 0, 0)]
    steps += [(equal, 0, 1, clone3), (answer, 0, 0, UNKNOWN)]
    for number in refused:
        steps += [(equal, 0, 1, number), (answer, 0, 0, REFUSE)]
    steps += [(equal, 0, 3, clone), (load, 0, 0, 16), (has_bits, 1, 0, CLONE_THREAD), (answer, 0, 0, REFUSE)]
    steps += [(answer, 0, 0, ALLOW)]
    if architecture == ARCHITECTURES["x86_64"][0]:  # the second numbering of the same calls ("x32")
        steps.insert(4, (0x35, 0, 1, 0x40000000))
        steps.insert(5, (answer, 0, 0, REFUSE))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent goes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
