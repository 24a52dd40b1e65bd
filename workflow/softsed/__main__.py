"""`python -m softsed STEP ...`: the command of the rules, which needs the packages but no installation of softsed."""

import sys

from softsed.cli import main

sys.exit(main())
