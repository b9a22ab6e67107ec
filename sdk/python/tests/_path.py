"""Puts the SDK on the path, wherever the tests are run from. Imported first by every test; knows nothing else."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
