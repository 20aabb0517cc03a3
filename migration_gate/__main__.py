"""``python -m migration_gate``."""

import sys

from migration_gate.cli import main

sys.exit(main())
