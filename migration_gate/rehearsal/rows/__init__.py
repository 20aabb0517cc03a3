"""Rows for every table of a throwaway database, made from its catalog alone."""
