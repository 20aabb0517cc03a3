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
}
