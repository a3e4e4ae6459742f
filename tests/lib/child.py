"""Programs that a test starts: they end with it, and it waits until they answer."""

import ctypes
import signal
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent():
    """preexec_fn of a Popen: SIGKILL when the thread that started it ends, however that comes."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def comes_up(process, answers, seconds, pause):
    """Calls answers() with pauses until it is true; False: the process has ended, or the seconds are over."""
    deadline = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
