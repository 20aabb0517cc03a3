"""One file per format: a verdict goes in, text comes out."""

# What --format and --output call them, each with its module.
FORMATS = {
    "text": "text",
    "json": "json_",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
    "markdown": "markdown",
    "html": "html.page",
    "mermaid": "mermaid",
    "dot": "dot",
}
DRAWINGS = ("mermaid", "dot")  # of the history alone
PAGES = ("markdown", "html")  # which show the plan and the end of the history, unasked
OF_A_VERDICT = tuple(one for one in FORMATS if one not in DRAWINGS)
OF_A_DATABASE = ("text", "json")  # which no file's line and no service's rule is about
