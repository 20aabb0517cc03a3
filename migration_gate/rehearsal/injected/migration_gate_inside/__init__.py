"""What runs inside the project's own processes during a rehearsal. Standard library only: the project's interpreter may
be another one than the gate's, and whatever is imported here is imported there.
"""
