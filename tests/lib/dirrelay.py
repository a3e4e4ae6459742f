"""dirrelayd and dirrelay as a test runs them: private directory, free ports, nothing left behind.

    with Daemon("ldif:/path/tree.ldif") as daemon:
        daemon.wait("message.accepted", sender="chris@contoso.com")
        daemon.cli("queue", "list").json
        daemon.stop()                 SIGTERM, exit 0, nothing on stderr

The programs are those of $DIRRELAY_BUILD (default: build-asan of the checkout). As root the daemon is started as
nobody: leaks are found at its end and it dies with the test. as_root starts it as an administrator would.
"""

import atexit
import json
import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from lib.child import die_with_parent
from lib.slapd import free_port

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("DIRRELAY_BUILD") or os.path.join(REPOSITORY, "build-asan")
DIRRELAYD, DIRRELAY = os.path.join(BUILD, "dirrelayd"), os.path.join(BUILD, "dirrelay")
SERVER_NAME = "Mailbox01"
SANITIZED = {"ASAN_OPTIONS": "abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
             "TSAN_OPTIONS": "halt_on_error=0:exitcode=99:second_deadlock_stack=1:suppressions="
                             + os.path.join(REPOSITORY, "tests", "tsan.supp")}
TIMEOUT = 20.0
_running = set()


def _end_all(*_):
    for daemon in list(_running):
        daemon.close()


def _on_sigterm(*_):
    _end_all()
    sys.exit(1)


atexit.register(_end_all)
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
    signal.signal(signal.SIGTERM, _on_sigterm)


class Answer:
    """What a program said: code, out, err; json parses out."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return "exit %d\n%s%s" % (self.code, self.out, self.err)


def run(program, *arguments, input=None, env=None, timeout=60):
    """Runs dirrelay or dirrelayd to its end; a sanitizer's finding is a failure."""
    done = subprocess.run([program, *map(str, arguments)], input=input, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **SANITIZED, **(env or {})})
    answer = Answer(done)
    if done.returncode == 99 or "Sanitizer" in done.stderr or "runtime error:" in done.stderr:
        raise AssertionError("sanitizer: %r" % answer)
    return answer


def cli(*arguments, **options):
    """dirrelay without a daemon's configuration."""
    return run(DIRRELAY, *arguments, **options)


class Daemon:
    """One dirrelayd. config: {"section.key": value} over the test's defaults; directory: directory.uri.

    state_dir   given: it is kept and belongs to the caller
    as_root     started with the caller's identity, which it has to drop itself
    stdout      a file descriptor instead of the pipe that events are read from
    on_event    called with each event as it comes, on a thread of its own
    """

    def __init__(self, directory=None, config=None, state_dir=None, as_root=False, stdout=None, env=None, on_event=None,
                 start=True, prefix=()):
        self.tracer = list(prefix)  # a command to start behind that leaves the program the process: strace -D
        self.program = DIRRELAYD
        self.as_root, self.stdout, self.env, self.on_event = as_root, stdout, env or {}, on_event
        self.events, self._changed, self.process = [], threading.Condition(), None
        self.folder = tempfile.mkdtemp(prefix="dr-daemon-")
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._own(self.folder, 0o755)
        self.state_dir = state_dir or os.path.join(self.folder, "state")
        self.metrics_port = free_port()
        self.config_path = os.path.join(self.folder, "dirrelay.conf")
        self.stderr_path = os.path.join(self.folder, "stderr")
        self.config = {
            "directory.uri": directory, "server.name": SERVER_NAME, "server.state_dir": self.state_dir,
            "server.control": os.path.join(self.folder, "run", "control.sock"), "server.loops": 2,
            "server.user": "nobody", "server.group": "nogroup", "queue.reserve": "1M", "queue.retry": "1s 2s 5s",
            "pressure.disk": "100-100-100",  # however full the machine is
            "metrics.listen": "127.0.0.1:%d" % self.metrics_port, **(config or {}),
        }
        self.write_config()
        try:
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            if kind is None and self.is_running():
                self.stop()
        finally:
            self.close()

    # -- life ---------------------------------------------------------------------------------------------

    def write_config(self, **changes):
        """config holds keys with a dot; here a dot is written as two underscores: server__loops=1."""
        self.config.update({key.replace("__", "."): value for key, value in changes.items()})
        sections = {}
        for key, value in self.config.items():
            if value is not None:
                sections.setdefault(key.partition(".")[0], []).append("%s = %s" % (key.partition(".")[2], value))
        with open(self.config_path, "w") as file:
            for name, lines in sections.items():
                file.write("[%s]\n%s\n" % (name, "\n".join(lines)))
        os.chmod(self.config_path, 0o644)

    def start(self, wait=True):
        """Starts, or starts again; with wait until an organization is in force."""
        self._reap()
        identity = {}
        if self.account and not self.as_root:
            identity = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        errors = open(self.stderr_path, "ab")
        self.process = subprocess.Popen(
            [*self.tracer, self.program, "-c", self.config_path], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self.stdout is None else self.stdout, stderr=errors, cwd=self.folder,
            env={**os.environ, **SANITIZED, **self.env}, preexec_fn=die_with_parent, start_new_session=True, **identity)
        errors.close()
        _running.add(self)
        self.started_at = len(self.events)
        if self.stdout is None:
            self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
            self._reader.start()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=TIMEOUT):
        """Until /readyz says so, which it does once an organization is in force."""
        deadline = time.monotonic() + timeout
        while self.page("/readyz")[0] != 200:
            if self.process.poll() is not None:
                raise AssertionError("dirrelayd ended with %d: %s%s" % (self.process.returncode, self.errors(), self.events[-3:]))
            if time.monotonic() > deadline:
                raise AssertionError("not ready after %.0f s: %s%s" % (timeout, self.errors(), self.events[-5:]))
            time.sleep(0.02)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=40):
        """The exit code; nothing may have been said on stderr."""
        code = self.process.wait(timeout)
        self._reap()
        errors = self.errors()
        if errors:
            raise AssertionError("dirrelayd (exit %d) said on stderr: %s" % (code, errors))
        return code

    def stop(self, timeout=40):
        """SIGTERM; exit 0 is asserted."""
        self.signal(signal.SIGTERM)
        code = self.wait_exit(timeout)
        if code != 0:
            raise AssertionError("exit %d after SIGTERM: %s" % (code, self.events[-5:]))

    def kill(self):
        if self.is_running():
            self.process.kill()
        self._reap()

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Kills what still runs and removes the directory. May be called twice."""
        if self.is_running():
            self.process.send_signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def errors(self):
        try:
            with open(self.stderr_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    # -- asking -------------------------------------------------------------------------------------------

    def mark(self):
        """A place in the events, for wait(since=…) and seen(since=…)."""
        with self._changed:
            return len(self.events)

    def seen(self, name=None, since=0, **fields):
        """The events so far of this name with these fields."""
        with self._changed:
            return [event for event in self.events[since:] if _matches(event, name, fields)]

    def wait(self, name, since=None, timeout=TIMEOUT, **fields):
        """The first event of this name with these fields; since the start of the program, or a mark."""
        deadline = time.monotonic() + timeout
        at = self.started_at if since is None else since
        with self._changed:
            while True:
                for event in self.events[at:]:
                    if _matches(event, name, fields):
                        return event
                at = max(at, len(self.events))
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError("no %s %s within %.1f s; last events: %s" % (name, fields, timeout, self.events[-5:]))

    def cli(self, *arguments, json=False, **options):
        """dirrelay with this daemon's configuration."""
        return run(DIRRELAY, *(["--json"] if json else []), "-c", self.config_path, *arguments, **options)

    def queue(self, *filters):
        """The messages that are owed."""
        return self.cli("queue", "list", *filters, json=True).json

    def status(self):
        return self.cli("status", json=True).json

    def page(self, path):
        """(status, text); status 0: nobody listens."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.metrics_port, path), timeout=TIMEOUT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self):
        """{"name{label=\\"value\\"}": number}"""
        values = {}
        for line in self.page("/metrics")[1].splitlines():
            match = re.match(r"^([a-z_]+(?:\{.*\})?) (\S+)$", line)
            if match:
                values[match.group(1)] = float(match.group(2))
        return values

    # -- inside -------------------------------------------------------------------------------------------

    def _own(self, path, mode):
        os.chmod(path, mode)
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _read(self, pipe):
        for line in pipe:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "NOT-JSON", "line": line}
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()
            if self.on_event:
                self.on_event(event)
        pipe.close()

    def _reap(self):
        if self.process is None:
            return
        self.process.wait()
        _running.discard(self)
        if self.stdout is None:
            self._reader.join(TIMEOUT)
        self.process = None


def _matches(event, name, fields):
    if name is not None and event.get("event") != name:
        return False
    return all(value(event.get(key)) if callable(value) else event.get(key) == value for key, value in fields.items())


def drain(descriptor, timeout=TIMEOUT):
    """One read of what a pipe holds; b"" at its end."""
    ready, _, _ = select.select([descriptor], [], [], timeout)
    return os.read(descriptor, 65536) if ready else None
