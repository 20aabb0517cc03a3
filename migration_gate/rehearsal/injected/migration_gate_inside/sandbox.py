"""On Linux 6.7 and later the kernel itself refuses TCP connections to any other port than the throwaway server's:
also those of drivers written in C, of programs like psql, and of a Python that ignores PYTHONPATH. Landlock needs
no privilege and is inherited by every process that this one starts.

Source: Linux's documentation, "Landlock: unprivileged access control" (userspace-api/landlock), ABI 4.
"""

from __future__ import annotations

import os
import sys

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_CONNECT_TCP = 1 << 1  # LANDLOCK_ACCESS_NET_CONNECT_TCP
_NET_PORT = 2  # LANDLOCK_RULE_NET_PORT
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS
_MARK = "MIGRATION_GATE_SANDBOX"  # the processes below inherit the rules, and need not set them again


def enter() -> bool:
    """Restrict this process for good; False where the kernel has no such thing, and the other guards stand alone."""
    if sys.platform != "linux" or os.environ.get(_MARK):
        return False
    import ctypes

    from migration_gate_inside.job import job

    class Ruleset(ctypes.Structure):
        _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64))

    class Port(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("access", ctypes.c_uint64), ("port", ctypes.c_uint64))

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CREATE, None, 0, 1) < 4:  # 4 is the ABI that knows ports; -1 where Landlock is off
        return False
    rules = libc.syscall(_CREATE, ctypes.byref(Ruleset(0, _CONNECT_TCP)), ctypes.sizeof(Ruleset), 0)
    if rules < 0:
        return False
    try:
        for port in {job().port, *(int(port) for _, port in job().allow)}:
            if libc.syscall(_ADD, rules, _NET_PORT, ctypes.byref(Port(_CONNECT_TCP, port)), 0) != 0:
                return False
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0 or libc.syscall(_RESTRICT, rules, 0) != 0:
            return False
    finally:
        os.close(rules)
    os.environ[_MARK] = "1"
    return True
