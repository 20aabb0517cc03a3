"""The upgrade, for real: the project's own env.py in a child process, on a throwaway database."""
