"""As root, PostgreSQL and confined runners work as another user: where that user cannot enter this clone, some of it cannot be tried."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

WHY = "root's other user cannot enter this clone (/root is closed to others): clone it elsewhere"


@cache
def closed() -> bool:
    """Whether root works in a clone that `nobody` cannot use."""
    if os.geteuid() != 0:
        return False
    try:
        done = subprocess.run([sys.executable, "-c", ""], cwd="/", user=65534, extra_groups=[], check=False)
    except PermissionError:
        return True
    return done.returncode != 0
