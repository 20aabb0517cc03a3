"""What the reports of a run become: annotations in the log, the page of the job, the action's outputs.

Takes the folder of the reports, and the path of the one for code scanning. What the gate did not write is left out:
it wrote none where it was called wrongly, or was stopped.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

COUNTED = ("findings", "notes", "problems")


def main(folder: Path, sarif: Path) -> None:
    annotations, summary, verdict = folder / "annotations.txt", folder / "summary.md", folder / "verdict.json"
    if annotations.is_file():
        annotate(annotations.read_text("utf-8"))
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page and summary.is_file():
        with open(page, "ab") as file:
            file.write(summary.read_bytes())
    paths = [(name, path.absolute()) for name, path in (("summary", summary), ("sarif", sarif), ("json", verdict))]
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as file:
        for name, value in [*counts(verdict), *((name, path) for name, path in paths if path.is_file())]:
            file.write(f"{name}={value}\n")


def annotate(text: str) -> None:
    """The commands alone, folded away: the log has said all of it above."""
    commands = [line for line in text.splitlines() if line.startswith("::")]
    if commands:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        print("::group::Annotations", *commands, "::endgroup::", sep="\n")


def counts(verdict: Path) -> Iterator[tuple[str, int]]:
    """How many findings, notes and problems the verdict has; nothing where there is no verdict."""
    try:
        document = json.loads(verdict.read_bytes())
    except (OSError, ValueError):
        return
    for name in COUNTED:
        yield name, len(document[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
