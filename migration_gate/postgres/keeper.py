"""The process that stands between the gate and a PostgreSQL of its own. Run as a script, by path:

    python -I -S keeper.py DIRECTORY UID GID LOCK INPUT COMMAND [ARGUMENT …] [";" COMMAND …]

It runs the commands one after the other, the last of them the server; each as UID and GID (-1:
unchanged), reading descriptor INPUT and writing to DIRECTORY/log. Its own standard input is a pipe
from the gate. When that closes (the gate has finished, or was killed) or a command fails, it ends
what runs, prints the end of the log, deletes DIRECTORY and exits. Through descriptor LOCK it holds
the lock that says that DIRECTORY is in use (workspace.py).

Few imports: every rehearsal waits for this one.
"""

import contextlib
import os
import select
import signal
import sys

# Here and not where it is used: the server's user may not be allowed to read this Python.
try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 8  # PostgreSQL itself kills a backend that does not go after 5


def main(arguments: list[str]) -> int:
    directory, uid, gid, lock, given = arguments[0], *map(int, arguments[1:5])
    commands = split(arguments[5:])
    os.set_inheritable(lock, False)
    os.set_inheritable(given, False)
    wake = watch_signals()
    status = 0
    for number, command in enumerate(commands, 1):
        # SIGQUIT stops PostgreSQL at once, and leaves no shared memory behind as SIGKILL would.
        how = signal.SIGQUIT if number == len(commands) else signal.SIGTERM
        pid = start(command, uid, gid, given, directory + "/log", how)
        ended = wait(pid, wake)
        if ended is None:
            stop(pid, how)
            break
        if ended != 0 or number == len(commands):
            status = 1
            break
    print_end(directory + "/log")
    delete(directory)
    return status


def split(words: list[str]) -> list[list[str]]:
    """["a", "b", ";", "c"] is [["a", "b"], ["c"]]."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == ";":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def watch_signals() -> int:
    """A descriptor that gives one byte for each signal, the signal's number."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return read


def start(command: list[str], uid: int, gid: int, given: int, log: str, on_death: int) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(given, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if uid >= 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        if sys.platform == "linux" and ctypes:
            # After setuid, which clears it.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(on_death), 0, 0, 0)
        if os.getppid() == parent:  # else the keeper died before the line above
            os.execv(command[0], command)  # noqa: S606 (an absolute path; there is no shell)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def wait(pid: int, wake: int) -> int | None:
    """The exit status of ``pid``; None when the gate goes first, or a signal says so."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        ready, _, _ = select.select([0, wake], [], [])
        if 0 in ready or any(byte != signal.SIGCHLD for byte in os.read(wake, 100)):
            return None


def stop(pid: int, how: int) -> None:
    os.kill(pid, how)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(STOP_SECONDS)
    os.waitpid(pid, 0)
    signal.alarm(0)


def print_end(path: str) -> None:
    with contextlib.suppress(OSError), open(path, "rb") as log:
        log.seek(max(0, os.path.getsize(path) - 4000))
        os.write(1, log.read())


def delete(directory: str) -> None:
    import shutil  # costs 10 ms: not while somebody waits for the server

    # The lock last: a deletion that is interrupted can then be recognised and finished.
    shutil.rmtree(directory + "/pg", ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
