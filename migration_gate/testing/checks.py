"""The checks of a project, each with a name, and what one verdict says of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from migration_gate.findings import Note, Stage, Verdict
from migration_gate.project.model import Project
from migration_gate.report.clean import clean_line
from migration_gate.report.text import render
from migration_gate.rules import ALL
from migration_gate.rules.judging import active

# What `migration-gate ci` tries, stage by stage: the check's name, the stage's, and the rules that the stage judges.
# Every other rule is a check of its own.
STAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "single head": ("history", ("multiple-heads", "heads-after-merge")),
    "upgrade": ("upgrade", ("upgrade-fails",)),
    "rows": ("rows", ("fails-on-rows",)),
    "locks": ("locks", ("blocks-traffic",)),
    "back": ("back", ("downgrade-fails", "downgrade-leaves-trace")),
    "half-way": ("half-way", ("not-retryable",)),
    "old code": ("old code", ("required-by-old-code",)),
    "drift": ("drift", ("drift",)),
}
READ = "history"  # the stage that needs no rehearsal
ALWAYS = "upgrade"  # whatever the settings leave on: it says what no other check does

State = Literal["open", "closed", "not judged", "not tried"]


class Check(NamedTuple):
    """``stage`` is "" where reading alone judges it; ``rules`` are those of it that the settings leave on."""

    name: str
    stage: str
    rules: tuple[str, ...]


class Said(NamedTuple):
    """Of one check: its state, and what the report says of it; ``why`` it was not tried, in one line."""

    state: State
    text: str
    why: str = ""

    @property
    def well(self) -> bool:
        """Whether it leaves the gate open."""
        return self.state in ("open", "not tried")


def checks(project: Project) -> tuple[Check, ...]:
    """The checks that the settings leave on. Raises CannotJudge where they name a rule that is not one."""
    on = active(project, ALL)
    staged = [Check(name, stage, tuple(one for one in rules if one in on)) for name, (stage, rules) in STAGES.items()]
    taken = {one for _, rules in STAGES.values() for one in rules}
    alone = (Check(one, "", (one,)) for one in on if one not in taken)
    return (*(one for one in staged if one.rules or one.name == ALWAYS), *alone)


def said(project: Project, verdict: Verdict) -> dict[str, Said]:
    """What the verdict on one project says of each check. All are well if and only if the gate is open."""
    wanted = checks(project)
    found = {one.name: _said(one, wanted, verdict) for one in wanted}
    if verdict.word != "open" and all(one.well for one in found.values()):
        # A problem of a stage whose rules are off, say.
        found[ALWAYS] = Said(verdict.word, _text(verdict))
    return found


def _said(check: Check, wanted: Sequence[Check], verdict: Verdict) -> Said:
    stage = next((one for one in verdict.stages if one.name == check.stage), None)
    findings = tuple(one for one in verdict.findings if one.rule in check.rules)
    notes = tuple(one for one in verdict.notes if _owner(one, wanted) == check.name)
    state = "closed" if findings else _state(check, stage, verdict)
    problems = verdict.problems if state == "not judged" else ()
    if state == "not judged" and not stage:
        stage = Stage(check.name, None, "not tried, because the upgrade did not go through")
    text = _text(Verdict(findings, notes, problems, stages=(stage,) if stage else ()))
    return Said(state, text, _why(stage, verdict) if state == "not tried" else "")


def _state(check: Check, stage: Stage | None, verdict: Verdict) -> State:
    """Of a check that has no finding of its own."""
    if not check.stage or (check.stage == READ and not stage):
        return "open"
    if stage and stage.passed is not None:
        return "open" if stage.passed or verdict.word == "open" else "closed"
    upgraded = any(one.name == "upgrade" and one.passed for one in verdict.stages)
    if not upgraded or (stage and verdict.word != "open"):
        return "not judged"
    return "not tried"  # and the gate is open on it: nothing is new, or there is no base


def _owner(note: Note, wanted: Sequence[Check]) -> str:
    """The check that shows a note."""
    return next((one.name for one in wanted if note.rule in one.rules), ALWAYS)


def _why(stage: Stage | None, verdict: Verdict) -> str:
    """In the stage's own words, or in those in which a rehearsal says that it has left out all such stages."""
    from migration_gate.rehearsal.stages import AT_ONCE, BY_ITSELF, NOTHING_NEW

    if stage:
        return clean_line(stage.text)
    noted = (one for one in (NOTHING_NEW, AT_ONCE, BY_ITSELF) for note in verdict.notes if note.message.endswith(one))
    return next(noted, "nothing to try")


def _text(verdict: Verdict) -> str:
    """As the report has it, without the last line, which sums up the whole gate."""
    return render(verdict, notes=True).rstrip("\n").rpartition("\n\n")[0].strip()
