import sys
from pathlib import Path

# The tests of heads and estimators, one folder down, share this folder's module.
sys.path.insert(0, str(Path(__file__).resolve().parent))
