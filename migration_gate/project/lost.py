"""A revision that no file here has, looked for in all that git keeps: branches, remotes' branches, tags, stashes,
reflogs, and commits that nothing points to any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from migration_gate.project import git
from migration_gate.project.model import Project
from migration_gate.project.revision import Revision, parse

MOST = 5_000  # reflog entries, and commits that nothing points to, that are looked at


class Place(NamedTuple):
    """Where git has a revision's file. ``commit`` is what `git restore --source` takes; ``path`` is relative to the
    repository's top; ``where`` says what keeps the commit: "branch feature/ghost", "stash@{0}". ``ago`` and ``date``
    are the author's time, in words and as an ISO date.
    """

    revision: Revision
    commit: str
    author: str
    ago: str
    date: str
    where: str
    path: str


class Lost(NamedTuple):
    """``chain`` has the revision itself first, then those that it comes after and that no file here has either.
    ``known`` are the revisions of today's files that the chain comes after; ``left`` what of it git does not
    have. ``cut`` says why not all was looked through, "" where it was.
    """

    ident: str
    chain: tuple[Place, ...] = ()
    known: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    cut: str = ""


def search(project: Project, ident: str, here: Collection[str]) -> Lost:
    """Look for a revision, and for what it comes after as far as that is not ``here``: the ids that files have. Never
    raises: where git gives no answer, ``cut`` says so.
    """
    top = git.top_of(Path(project.directory).resolve())
    if top is None:
        return Lost(ident, cut="this project is in no git repository")
    search = _Search(top, project)
    chain: list[Place] = []
    known: list[str] = []
    left: list[str] = []
    todo, seen = [ident], {ident}
    beside: dict[str, Place] = {}
    while todo:
        one = todo.pop(0)
        place = beside.get(one) or search.find(one)
        if place is None:
            left.append(one)
            continue
        chain.append(place)
        beside |= {name: there for name, there in search.beside(place).items() if name not in beside}
        for parent in (*place.revision.down, *place.revision.depends_on):
            if parent in here:
                known.append(parent)
            elif parent not in seen:
                todo.append(parent)
            seen.add(parent)
    if not chain and git.is_shallow(top):
        search.cut.append("this clone is shallow: git fetch --unshallow brings the rest")
    return Lost(ident, tuple(chain), tuple(dict.fromkeys(known)), tuple(left), "; ".join(dict.fromkeys(search.cut)))


class _Search:
    """One repository, asked step by step: what is likely and quick comes first."""

    def __init__(self, top: Path, project: Project) -> None:
        self.top, self.cut = top, list[str]()
        real = [one.resolve() for one in project.version_locations]
        self.folders = [one.relative_to(top).as_posix() for one in real if one.is_relative_to(top)]

    def find(self, ident: str) -> Place | None:
        """The best place of a revision; None where there is none, or git gave no answer in time."""
        for commits, where in self._steps(ident):
            with self._in_time(where):
                if having := self._having(commits(), ident):
                    return self._place(having, ident)
        return None

    @contextmanager
    def _in_time(self, where: str) -> Iterator[None]:
        """Goes on where git gives no answer, and remembers what was not looked through for it."""
        try:
            yield
        except git.Silent as reason:
            self.cut.append(f"{where} were not looked through: {reason}")

    def _steps(self, ident: str) -> Iterator[tuple[Callable[[], list[tuple[str, str]]], str]]:
        kept = ("--all", "--reflog", "HEAD")
        folders = [f":(top){one}" for one in self.folders]
        text = f"-S{ident}"
        if folders:
            yield lambda: self._log((*kept, "-m", text), folders), "the version folders' commits"
        yield lambda: self._log(kept, [f":(top,glob)**/*{ident}*.py"]), "files that are named after it"
        yield lambda: self._log((*self._unreachable(), "-m", text), [":(top)*.py"]), "commits that nothing points to"
        yield lambda: self._log((*kept, text), [":(top)*.py"]), "all Python files of all commits"

    def _log(self, words: Sequence[str], paths: Sequence[str]) -> list[tuple[str, str]]:
        """The commits that add or change such a file, the newest first, each with the file's path."""
        ids = [one for one in words if not one.startswith("-") and one != "HEAD"]
        if not ids and "--all" not in words:
            return []
        options = ["--no-walk=unsorted", "--stdin"] if ids else ["--full-history"]
        options += [one for one in words if one not in ids]
        said = git.ask(
            self.top,
            "-c", "log.showRoot=true", "log", *options, "-z", "--format=%x01%H", "--name-status", "--no-renames",
            "--no-textconv", "--no-ext-diff", "--diff-filter=AM", "--", *paths,
            given="".join(f"{one}\n" for one in ids),
        )  # fmt: skip
        found = []
        for part in said.split("\1")[1:]:
            commit, *rest = [one.strip("\n") for one in part.split("\0")]
            paths_of = [one for one in rest if one]
            found += [(commit, path) for path in paths_of[1::2]]
        return list(dict.fromkeys(found))

    def _unreachable(self) -> list[str]:
        """The commits that no ref and no reflog leads to; git keeps them for some weeks."""
        every = git.ask(
            self.top, "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectname)"
        )
        commits = {line.removeprefix("commit ") for line in every.split("\n") if line.startswith("commit ")}
        kept = set(git.ask(self.top, "rev-list", "--all", "--reflog", "HEAD").split())
        lost = sorted(commits - kept)
        if len(lost) > MOST:
            self.cut.append(f"only {MOST:,} of {len(lost):,} commits that nothing points to were looked at")
        return lost[:MOST]

    def _having(self, found: Iterable[tuple[str, str]], ident: str) -> list[tuple[str, str]]:
        """Of commits and paths those where the file really has the revision's id, the version folders' first."""
        found = sorted(found, key=lambda one: _folder(one[1]) not in self.folders)
        has = self._with_id([f"{commit}:{path}" for commit, path in found], ident)
        return [(commit, path) for commit, path in found if f"{commit}:{path}" in has]

    def _with_id(self, names: Sequence[str], ident: str) -> dict[str, Revision]:
        """The files, named as "commit:path", that have the revision's id."""
        return {
            name: read
            for name, one in git.objects(self.top, names).items()
            if one.kind == "blob"
            and isinstance(read := parse(self.top / name.partition(":")[2], one.content), Revision)
            and read.id == ident
        }

    # ── which of the commits is best restored from, and what keeps it ────────────────────────────────────────────

    def _place(self, having: Sequence[tuple[str, str]], ident: str) -> Place | None:
        paths = list(dict.fromkeys(path for _, path in having))
        return (
            self._at_tips(paths, ident)
            or self._in_stashes(paths, ident)
            or self._deleted(having, ident)
            or self._in_reflogs(paths, ident)
            or self._described(having[0][0], having[0][1], "a commit that nothing points to", ident)
        )

    def _at_tips(self, paths: Sequence[str], ident: str) -> Place | None:
        refs = {"HEAD": "HEAD: it is deleted here, and that is not committed"} | self._refs()
        has = self._with_id([f"{ref}:{path}" for path in paths for ref in refs], ident)
        if not has:
            return None
        first = next(iter(sorted(has, key=lambda name: list(refs).index(name.partition(":")[0]))))
        ref, _, path = first.partition(":")
        kind = refs[ref].partition(" ")[0]
        others = [refs[one.partition(":")[0]] for one in has if one != first]
        same = [
            one.partition(" ")[2] for one in dict.fromkeys(others) if one.partition(" ")[0] == kind and ref != "HEAD"
        ]
        more = f" and {', '.join(same[:2])}" + (" …" if len(same) > 2 else "") if same else ""
        # The last commit that changed it there; its content is the tip's.
        last = git.ask(self.top, "log", "-1", "--format=%H", ref, "--", f":(top){path}").strip()
        return self._described(last or ref, path, refs[ref] + more, ident)

    def _refs(self) -> dict[str, str]:
        """Every ref, and what people call it: branches first, then remotes' branches, then tags."""
        said = git.ask(
            self.top, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/tags"
        ).split("\n")
        kinds = {"refs/heads/": "branch", "refs/remotes/": "remote branch", "refs/tags/": "tag"}
        return {
            ref: f"{word} {ref.removeprefix(prefix)}"
            for prefix, word in kinds.items()
            for ref in said
            if ref.startswith(prefix) and not ref.endswith("/HEAD")
        }

    def _in_stashes(self, paths: Sequence[str], ident: str) -> Place | None:
        """A stash is a commit; its second parent is the index, its third untracked files (git-stash, DISCUSSION)."""
        stashes: list[str] = []
        with suppress(git.Silent):
            stashes = git.ask(self.top, "log", "-g", "--format=%gd %H", "refs/stash", "--").split("\n")
        for line in filter(None, stashes):
            name, _, commit = line.partition(" ")
            for parent, words in (("^3", ", among its untracked files"), ("", ""), ("^2", ", in its index")):
                for one in self._with_id([f"{commit}{parent}:{path}" for path in paths], ident):
                    return self._described(f"{commit}{parent}", one.partition(":")[2], name + words, ident)
        return None

    def _deleted(self, having: Sequence[tuple[str, str]], ident: str) -> Place | None:
        """A branch that had it, and where it was deleted: the commit before that."""
        for commit, path in having:
            said = git.ask(self.top, "for-each-ref", f"--contains={commit}", "--format=%(refname)")
            names = self._refs()
            ref = next((one for one in names if one in said.split("\n")), None)
            if ref is None:
                continue
            words = ("log", "-1", "--format=%H%x00%h%x00%an%x00%ar", "--diff-filter=D", ref, "--", f":(top){path}")
            gone, short, author, ago = (git.ask(self.top, *words).strip().split("\0") + [""] * 4)[:4]
            where = names[ref]
            if gone and self._with_id([f"{gone}^:{path}"], ident):
                last = git.ask(self.top, "log", "-1", "--format=%H", f"{gone}^", "--", f":(top){path}").strip()
                return self._described(last, path, f"{where}, where commit {short} ({author}, {ago}) deleted it", ident)
            return self._described(commit, path, f"{where}, which has it no longer", ident)
        return None

    def _in_reflogs(self, paths: Sequence[str], ident: str) -> Place | None:
        said = git.ask(self.top, "log", "-g", "--all", "HEAD", "--format=%gd %H").split("\n")[:MOST]
        entries = sorted((line.partition(" ")[::2] for line in said if line), key=lambda one: one[0][:5] != "HEAD@")
        has = self._with_id([f"{commit}:{path}" for path in paths for commit in {one for _, one in entries}], ident)
        for name, commit in entries:
            for path in paths:
                if f"{commit}:{path}" in has:
                    return self._described(commit, path, f"no branch any more, the reflog's {name}", ident)
        return None

    def _described(self, commit: str, path: str, where: str, ident: str) -> Place | None:
        said = git.ask(self.top, "log", "-1", "--format=%h%x00%an%x00%ar%x00%as", commit, "--").strip()
        revision = self._with_id([f"{commit}:{path}"], ident).get(f"{commit}:{path}")
        if revision is None or said.count("\0") != 3:
            return None
        short, author, ago, date = said.split("\0")
        return Place(revision, short, author, ago, date, where, path)

    def beside(self, place: Place) -> Mapping[str, Place]:
        """The revisions that stand in the same folder of the same commit, by id."""
        folder = _folder(place.path)
        trees = git.objects(self.top, [f"{place.commit}:{folder}"])
        found = {}
        for tree in trees.values():
            ids = {
                f"{folder}/{name}".lstrip("/"): ident for _, name, ident in git.entries(tree) if name.endswith(".py")
            }
            contents = git.objects(self.top, ids.values())
            for path, ident in ids.items():
                one = contents.get(ident)
                read = parse(self.top / path, one.content) if one and one.kind == "blob" else None
                if isinstance(read, Revision):
                    found[read.id] = place._replace(revision=read, path=path)
        return found


def _folder(path: str) -> str:
    parent = PurePosixPath(path).parent.as_posix()
    return "" if parent == "." else parent
