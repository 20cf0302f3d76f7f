"""Results in, files out. No figure needs a window: a notebook's MPLBACKEND that reached an interpreter without that
backend is set aside, or matplotlib would refuse to be imported."""

import os as _os
import sys as _sys
from importlib.util import find_spec as _find_spec

_package = _os.environ.get("MPLBACKEND", "").partition("module://")[2].partition(".")[0]
if _package and "matplotlib" not in _sys.modules and _find_spec(_package) is None:
    _os.environ["MPLBACKEND"] = "agg"
