"""What ``migration-gate init`` writes, a file for each: text goes in, text with the gate's own part comes out."""
