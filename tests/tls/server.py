"""A server of ours in a process of its own, as `mover` will start it: under its OpenSSL configuration, before anything else is loaded.

Its one argument is JSON (tests/tls/app.py, `main`). It prints its port on a line once it listens, and logs to stderr.
"""

from __future__ import annotations

from mover.boot.openssl import begin_again

if __name__ == "__main__":
    begin_again()

    import asyncio
    import json
    import logging
    import sys
    from pathlib import Path

    import uvloop

    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.tls.app import main

    logging.basicConfig(level=logging.INFO)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(json.loads(sys.argv[1])))
