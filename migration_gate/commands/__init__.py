"""One file per command: gather, judge, report."""
