"""Run one command and say what it cost: `python -I -S measured.py COMMAND…`.

A program of its own, because the kernel counts the memory of whoever started a process as that process's: a
starter of 9 MB hides little. Prints the command's process id, and when it has ended, one line of JSON.
"""

import json
import os
import sys
import time


def main() -> None:
    started = time.monotonic()
    process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=_quiet())
    print(process, flush=True)
    _, status, used = os.wait4(process, 0)
    cost = {
        "started": started,
        "ended": time.monotonic(),
        "code": os.waitstatus_to_exitcode(status),
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
    }
    print(json.dumps(cost))


def _quiet() -> list[tuple[int, int, str, int, int]]:
    """What the command prints for a program to read is nobody's business here; its complaints are."""
    return [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]


if __name__ == "__main__":
    main()
