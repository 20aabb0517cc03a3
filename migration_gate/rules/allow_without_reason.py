"""An allow comment gives no reason.

`# migration-gate: allow RULE because REASON` allows one rule on one line. The reason is for whoever reads the line next
year; without one the comment allows nothing.
"""
