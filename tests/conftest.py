"""What several tests share."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]

# The package of this checkout, whichever copy is installed, here and in the commands that tests start.
os.environ["PYTHONPATH"] = str(ROOT / "workflow")
