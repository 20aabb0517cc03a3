"""An allow comment allows nothing: the rule that it names finds nothing there, or no rule has that name.

It was mended since, or the comment stands on the wrong line: it counts on a line of the statement, or right above it,
where several may stand one below the other.
"""
