"""What a migration does, as data: the narrow waist between the readers and the rules."""
