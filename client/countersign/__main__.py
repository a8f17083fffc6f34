"""`python -m countersign`."""

import sys

from countersign.cli import main

sys.exit(main())
