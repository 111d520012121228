"""Inside the simulator's process: a process a mutant, forked where all is imported and nothing has run yet.

cocotb imports this module as the one with the tests. The first process forks one for each mutant and waits for them;
its own test says that they have all ended. A forked one goes on as if it had been started for its mutant, with the
tests of the bench. What would be a second a mutant for Python, NumPy and the bench is spent once.
"""

import importlib
import json
import os
from pathlib import Path

import cocotb

from .fork import ORDERS, branch

_orders = json.loads(Path(os.environ[ORDERS]).read_text())
_bench = importlib.import_module(_orders["bench"])
if branch(_orders) is None:

    @cocotb.test()
    async def every_mutant_has_run(dut):
        """The forked processes have all been waited for."""

else:
    globals().update({name: value for name, value in vars(_bench).items() if not name.startswith("_")})
