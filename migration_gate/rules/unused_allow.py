"""An allow comment allows nothing: the rule that it names finds nothing there, or no rule has that name.

It was mended since, or the comment stands on the wrong line: it counts on the line of the statement, or on the one
above it.
"""
