"""One file per format: a verdict goes in, text comes out."""
