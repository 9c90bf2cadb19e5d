"""Whether any request that can be made up breaks the service: schemathesis, all its phases and checks, and three more.

``PYTHONPATH=. python bench/schema_fuzz.py`` starts ``evaluator serve`` in a folder of its own, makes a key, stores an
evaluation with a review, a batch and a webhook, and sends at least 500 requests an operation. The bars: no answer from
500 to 599 but 503, which a full service gives, and 504, which a deadline of the caller's gives; no answer that its own
description doesn't allow; none that tells a path or a trace. What is checked beside, and what is left out and why,
stands in ``tests/service/schema_hooks.py`` and ``schema_fuzzing.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.service.hostile import key_of
from tests.service.running import ServerProcess
from tests.service.schema_fuzzing import fuzz

_FAILED: Final = 500
_TOLD: Final = {503, 504}  # the service is full; a deadline passed that the request set


def main() -> int:
    """Run it and print a table; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=500, help="requests an operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="file for all that schemathesis prints")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        key = key_of(data)
        began = time.monotonic()
        with ServerProcess(data) as server:
            found = fuzz(server.url, key, chosen.examples, Path(folder), f"--seed={chosen.seed}")
    if chosen.log:
        chosen.log.write_text(found.said)
    print(f"{'operation':58} requests")
    for operation, requests in sorted(found.operations.items()):
        print(f"{operation:58} {requests:8,}")
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(found.statuses.items()))
    broken = sum(count for status, count in found.statuses.items() if status >= _FAILED and status not in _TOLD)
    print(f"answers: {statuses}")
    print(f"{found.operations.total():,} requests in {time.monotonic() - began:.0f} s; {broken} server errors")
    print("\n".join(found.failures) or "nothing found")
    return 1 if found.failures or found.code or broken else 0


if __name__ == "__main__":
    sys.exit(main())
