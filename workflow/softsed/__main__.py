"""Entry point of `python -m softsed STEP ...`. The rules use this form, which works without installing softsed."""

import sys

from softsed.cli import main

sys.exit(main())
