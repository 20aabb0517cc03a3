"""What git knows, asked of git itself: no checkout, no change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 10


class Object(NamedTuple):
    """One of git's objects, its content as git keeps it. ``id`` has 40 digits, or 64 in a sha256 repository."""

    id: str
    kind: str  # "commit", "tree", "blob"
    content: bytes


class Silent(Exception):  # noqa: N818 (what git is then)
    """Git gave no answer at all: what it said, or why it could not be asked, in one line."""


def top_of(folder: Path) -> Path | None:
    """The work tree that a folder is part of, a worktree's and a submodule's too; None where it is in no repository."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def objects(top: Path, names: Iterable[str]) -> dict[str, Object]:
    """The objects that git knows by these names ("origin/main^{commit}", "HEAD:a/folder", an id), each under its name;
    those that it does not have are left out. One process for all of them. Raises Silent.
    """
    asked = [one for one in dict.fromkeys(names) if "\n" not in one and "\0" not in one]
    if not asked:
        return {}
    said = _run(top, ("cat-file", "--batch"), os.fsencode("".join(f"{one}\n" for one in asked)))
    found = {}
    position = 0
    for name in asked:
        end = said.find(b"\n", position)
        words = said[position:end].split(b" ")
        position = end + 1
        # git-cat-file, "BATCH OUTPUT": "<id> <type> <size>", then the content; else the name and "missing".
        if len(words) == 3 and words[1] in (b"commit", b"tree", b"blob", b"tag") and words[2].isdigit():
            size = int(words[2])
            found[name] = Object(words[0].decode(), words[1].decode(), said[position : position + size])
            position += size + 1
    return found


def grep(folder: Path, pattern: str, commit: str | None, *paths: str) -> list[str]:
    """The text files below a folder that have a line of an extended pattern, relative to it, as far as the paths go
    ("*.py"): those of a commit, or (None) of the working tree, where those that git does not know yet and does not
    ignore are among them. Raises Silent.
    """
    words = ("grep", "-l", "-z", "-I", "--no-color", "--no-full-name", "-E", "-e", pattern)
    # git-grep: exit status 1 where nothing is found. It takes no --untracked together with submodules.
    said = _run(folder, ("-c", "submodule.recurse=false", *words, commit or "--untracked", "--", *paths), fine=(0, 1))
    return [os.fsdecode(name.removeprefix(f"{commit}:".encode())) for name in said.split(b"\0") if name]


def entries(tree: Object) -> Iterator[tuple[str, str, str]]:
    """What a tree holds: the mode ("100644" and "100755" files, "40000" a folder), the name, the id."""
    length = len(tree.id) // 2
    position = 0
    while position < len(tree.content):
        end = tree.content.index(b"\0", position)
        mode, _, name = tree.content[position:end].partition(b" ")
        position = end + 1 + length
        yield mode.decode(), os.fsdecode(name), tree.content[end + 1 : position].hex()


def blob_ids(content: bytes, length: int) -> tuple[str, ...]:
    """The ids that a file of this content may have, ``length`` digits each: as it is, and with the line ends that
    ``core.autocrlf`` gives it in the repository.
    """
    digest = _digest(length)
    forms = (content, content.replace(b"\r\n", b"\n")) if b"\r\n" in content else (content,)
    return tuple(digest(b"blob %d\0" % len(one) + one, usedforsecurity=False).hexdigest() for one in forms)


@cache
def _digest(length: int) -> Callable[..., Any]:
    """SHA-1 or SHA-256. hashlib brings OpenSSL in, which costs a hook 3 ms that Python's own SHA-1 does not."""
    if length == 40:
        with suppress(ImportError):
            from _sha1 import sha1  # type: ignore[import-not-found]

            return sha1  # type: ignore[no-any-return]
    import hashlib

    return hashlib.sha1 if length == 40 else hashlib.sha256


def files_at(top: Path, commit: str) -> Iterator[tuple[str, str]]:
    """Every Python file of a commit's whole tree, with the id of its content. Raises Silent."""
    for line in os.fsdecode(_run(top, ("ls-tree", "-r", "-z", "--full-tree", commit))).split("\0"):
        about, _, path = line.partition("\t")
        mode, _, rest = about.partition(" ")
        if path.endswith(".py") and mode.startswith("100"):
            yield path, rest.partition(" ")[2]


LARGEST = 4 << 20  # bytes of a file that an export still has: larger ones are data, not code
_AT_ONCE = 32 << 20  # bytes that are asked for at once


def export(top: Path, commit: str, folder: Path) -> None:
    """Write a commit's files below an empty folder, those of submodules and very large ones left out. A link is made
    where it leads to something in the folder. Raises Silent, and OSError where they cannot be written.
    """
    files: dict[str, tuple[str, int]] = {}
    links: dict[str, tuple[str, int]] = {}
    for line in os.fsdecode(_run(top, ("ls-tree", "-r", "-z", "-l", "--full-tree", commit))).split("\0"):
        about, _, path = line.partition("\t")
        mode, kind, ident, size = about.split() if path else ("", "", "", "")
        if kind == "blob" and int(size) <= LARGEST and ".." not in path.split("/") and not path.startswith("/"):
            (links if mode == "120000" else files)[path] = (ident, int(size))
    for path, content in _contents(top, files):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path, content in _contents(top, links):
        place, to = folder / path, os.fsdecode(content)
        inside = os.path.realpath(place.parent / to).startswith(os.path.realpath(folder) + os.sep)
        if inside and not os.path.isabs(to) and place.parent.is_dir():
            place.symlink_to(to)


def _contents(top: Path, files: dict[str, tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
    """The files' contents, a part of them at a time: a repository need not fit into memory."""
    part: dict[str, str] = {}
    length = 0
    for path, (ident, size) in [*files.items(), ("", ("", _AT_ONCE))]:
        if length + size >= _AT_ONCE and part:
            found = objects(top, part.values())
            yield from ((one, found[name].content) for one, name in part.items() if name in found)
            part, length = {}, 0
        if path:
            part[path] = ident
            length += size


def fork_of(top: Path, commit: str) -> str | None:
    """The commit where HEAD and another one parted; None where git cannot tell, as in a shallow clone. There the
    parents that HEAD itself names may still show that it comes after the other one. Raises Silent.
    """
    found = (_git(top, "merge-base", commit, "HEAD") or "").strip()
    if found:
        return found
    head = objects(top, ["HEAD^{commit}"]).get("HEAD^{commit}")
    return commit if head and commit in parents(head) else None


def parents(commit: Object) -> list[str]:
    """The ids that a commit names as its parents, whether or not they are there."""
    header = commit.content.partition(b"\n\n")[0].decode(errors="replace")
    return [line.partition(" ")[2] for line in header.split("\n") if line.startswith("parent ")]


def is_shallow(top: Path) -> bool:
    return any((folder / "shallow").exists() for folder in _git_folders(top))


def remotes(top: Path) -> set[str]:
    """The names of the remotes, from the repository's own configuration."""
    import re

    found: set[str] = set()
    for folder in _git_folders(top):
        with suppress(OSError, ValueError):
            found.update(re.findall(r'^\s*\[remote "(.*)"\]', (folder / "config").read_text("utf-8"), re.MULTILINE))
    return found


def origin(top: Path) -> str:
    """The URL of the remote origin, "" where there is none. It may hold a password: it is not to be shown."""
    return (_git(top, "config", "--get", "remote.origin.url") or "").strip()


def default_branch(top: Path) -> str:
    """What origin/HEAD stands for, "origin/main", read from its file; "origin/HEAD" where it has none."""
    for folder in _git_folders(top):
        with suppress(OSError, ValueError):
            text = (folder / "refs" / "remotes" / "origin" / "HEAD").read_text("utf-8")
            if text.startswith("ref: refs/remotes/"):
                return text.removeprefix("ref: refs/remotes/").strip()
    return "origin/HEAD"


_MERGED_INTO = {f"ref: refs/heads/{name}" for name in ("main", "master", "trunk", "develop")}


def merging(top: Path) -> str | None:
    """The side of a merge in progress that branches are merged into: HEAD on a trunk, else MERGE_HEAD. None where git
    is not merging.
    """
    for folder in _git_folders(top)[:1]:
        with suppress(OSError, ValueError):
            if (folder / "MERGE_HEAD").is_file():
                return "HEAD" if (folder / "HEAD").read_text("utf-8").strip() in _MERGED_INTO else "MERGE_HEAD"
    return None


def _git_folders(top: Path) -> list[Path]:
    """Where the repository keeps its files: the work tree's own folder, and the one that all worktrees share."""
    place = top / ".git"
    try:
        if place.is_file():  # a worktree or submodule: "gitdir: …"
            place = top / place.read_text("utf-8").partition(":")[2].strip()
        shared = place / "commondir"
        return [place, place / shared.read_text("utf-8").strip()] if shared.is_file() else [place]
    except (OSError, ValueError):
        return []


class Found(NamedTuple):
    """A commit that has a revision's file. ``path`` is relative to the working directory."""

    commit: str
    author: str
    when: str
    path: str


def commit_with(folder: Path, ident: str) -> Found | None:
    """The newest commit on any branch, remote or stash in which a file below ``folder`` has this revision id."""
    import re

    if not re.fullmatch(r"[\w.]+", ident):
        return None
    line = _revision_line(ident)
    # The newest commit that added or removed the line: where it removed it, the one before has it.
    changed = _git(folder, "log", "--all", "-1", "--format=%h", "--no-textconv", "-G", line, "--", ".")
    if not changed:
        return None
    for commit in (changed.strip(), f"{changed.strip()}^"):
        names = _git(folder, "grep", "-l", "-z", "--no-color", "--no-full-name", "-E", line, commit, "--", ".")
        if names:
            name = names.split("\0")[0].partition(":")[2]
            last = _git(folder, "log", "-1", "--format=%h%x00%an%x00%ar", commit, "--", name)
            if last:
                short, author, when = last.strip().split("\0")
                return Found(short, author, when, os.path.relpath(folder / name).replace(os.sep, "/"))
    return None


def file_with(folder: Path, ident: str) -> str | None:
    """A file below ``folder`` that git has, with this revision id; its path is relative to the working directory."""
    names = _git(folder, "grep", "-l", "-z", "--no-color", "--no-full-name", "-E", _revision_line(ident), "--", "*.py")
    return os.path.relpath(folder / names.split("\0")[0]).replace(os.sep, "/") if names else None


def _revision_line(ident: str) -> str:
    """A pattern of git's for the line that gives a file its revision id."""
    import re

    return rf"^revision *(:[^=]*)?= *[\"']{re.escape(ident)}[\"']"


_TRUNKS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


def newer(folder: Path, one: Path, other: Path) -> Path | None:
    """Which of two files came later, and so has been seen by fewer: the one that is not in git, or not on the trunk, or
    whose first commit comes after the other's. None where git cannot tell.
    """
    added = {
        path: _git(folder, "log", "--diff-filter=A", "--format=%H", "-1", "HEAD", "--", str(path))
        for path in (one, other)
    }
    for trunk in _TRUNKS:
        there = [path for path in (one, other) if _git(folder, "ls-tree", "--name-only", trunk, "--", str(path))]
        if len(there) == 1:
            return other if there == [one] else one
    first, second = ((added[path] or "").strip() for path in (one, other))
    if bool(first) != bool(second):
        return other if first else one
    if first and first != second:
        if _git(folder, "merge-base", "--is-ancestor", first, second) is not None:
            return other
        if _git(folder, "merge-base", "--is-ancestor", second, first) is not None:
            return one
    return None


def tracked(folder: Path) -> Callable[[Path], bool] | None:
    """A function that says whether git's index has a file, read from the index itself: a process would cost a hook more
    than all the rest. None where there is no repository, or its index is of a form that hides its paths.
    """
    top = top_of(folder)
    if top is None:
        return None
    try:
        place = _git_folders(top)[0]
        index = Path(os.environ.get("GIT_INDEX_FILE") or place / "index")
        content = (index if index.is_absolute() else top / index).read_bytes()
    except (OSError, ValueError, IndexError):
        return None
    # gitformat-index: "DIRC", then the version; version 4 shortens each path by what it shares with the one before.
    if content[:4] != b"DIRC" or int.from_bytes(content[4:8], "big") not in (2, 3):
        return None
    above = f"{top}{os.sep}"
    # Strings: path objects would cost a long history more than git's index does.
    return lambda path: (
        (name := str(path)).startswith(above)
        and os.fsencode(name[len(above) :].replace(os.sep, "/")) + b"\0" in content
    )


def ask(folder: Path, *words: str, given: str = "") -> str:
    """Git's output, of any command that changes nothing. Raises Silent."""
    return os.fsdecode(_run(folder, words, given.encode()))


def _git(folder: Path, *words: str) -> str | None:
    """Git's output, None where there is no git, no repository, or no answer in time."""
    try:
        return os.fsdecode(_run(folder, words))
    except Silent:
        return None


def _run(folder: Path, words: Iterable[str], given: bytes = b"", fine: tuple[int, ...] = (0,)) -> bytes:
    # Which repository is for the folder to say, and not for a hook's own variables, which may mean the one around a
    # submodule, nor for a folder further up, where .git is there and broken.
    misleading = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in misleading}
    top = top_of(folder)
    environment |= {"GIT_TERMINAL_PROMPT": "0"} | ({"GIT_CEILING_DIRECTORIES": str(top.parent)} if top else {})
    command = ["git", "-c", "log.showSignature=false", "-C", str(folder), *words]
    light = hasattr(os, "memfd_create") and hasattr(os, "pidfd_open")
    try:
        done = (_by_spawn if light else _by_subprocess)(command, environment, given)
    except FileNotFoundError:
        raise Silent("git is not installed") from None
    except TimeoutError:
        raise Silent(f"git gave no answer in {SECONDS} seconds") from None
    except (OSError, ValueError) as error:
        raise Silent(str(error)) from None
    if done.status not in fine:
        first = os.fsdecode(done.errors).strip().partition("\n")[0]
        raise Silent(first.removeprefix("fatal: ") or f"git stopped with exit status {done.status}")
    return done.output


class _Done(NamedTuple):
    status: int
    output: bytes
    errors: bytes


def _by_subprocess(command: list[str], environment: dict[str, str], given: bytes) -> _Done:
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, input=given, env=environment)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return _Done(done.returncode, done.stdout, done.stderr)


def _by_spawn(command: list[str], environment: dict[str, str], given: bytes) -> _Done:
    """The same where Linux helps: files in memory in the place of pipes, and no import of subprocess, which would cost
    a hook more than git itself does.
    """
    import select

    files = [os.memfd_create("git") for _ in range(3)]
    process = -1
    try:
        if min(files) < 3:  # the gate's own input or output is closed, and git's would take its place
            return _by_subprocess(command, environment, given)
        with open(files[0], "wb", closefd=False) as file:
            file.write(given)
        os.lseek(files[0], 0, os.SEEK_SET)
        actions = [(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(files)]
        pid = os.posix_spawnp(command[0], command, environment, file_actions=actions)
        process = os.pidfd_open(pid)
        if not select.select([process], [], [], SECONDS)[0]:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            raise TimeoutError
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        output, errors = (os.pread(file, os.fstat(file).st_size, 0) for file in files[1:])
        return _Done(status, output, errors)
    finally:
        for one in (*files, process):
            if one >= 0:
                os.close(one)
