"""`python -m softsed STAGE ...`: what the rules call, so that any environment with the packages serves."""

import sys

from softsed.cli import main

sys.exit(main())
