"""Whether every event arrives: 1,000 of them at a receiver that fails 30 % of requests, with couriers that are killed.

``PYTHONPATH=. python bench/webhooks.py`` writes events to a database and starts couriers in processes of their own, one
after the other, which are killed with SIGKILL while they deliver; the receiver on loopback answers 500, resets the
connection, or never answers, by chance. The schedule of retries is that of the product, a thousand times as fast. The
bars: as many distinct ids as events, the same body at every attempt, and every request signed validly by the reference
library `standardwebhooks`.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

from evaluator.service.webhooks.courier import Courier, Limits
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.ledger import Ledger
from evaluator.service.webhooks.schedule import SPEC_DELAYS_S, Schedule
from evaluator.service.webhooks.sending import WebSender
from tests.service.webhooks.office import opened
from tests.service.webhooks.receiver import Answer, Received, Receiver, verified
from tests.waiting import until

_MISHAPS: Final = {
    "500": Answer(500),
    "reset": Answer(instead="reset"),
    "no answer": Answer(instead="silence"),
    "time-out": Answer(instead="hang"),
}
_FASTER: Final = 1000
_TIMEOUT_S: Final = 1.0
_LEASE_S: Final = 3.0
_PATIENCE_S: Final = 300.0
_GUARD: Final = Guard.of(allow_private=True)


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--failing", type=float, default=0.3, help="share of requests that the receiver fails")
    parser.add_argument("--kills", type=int, default=5, help="couriers killed while they deliver")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deliver", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.deliver is not None:
        return _deliver(chosen.deliver)
    return _measure(chosen.events, chosen.failing, chosen.kills, chosen.seed)


def _measure(events: int, failing: float, kills: int, seed: int) -> int:
    chance = random.Random(seed)  # noqa: S311 - mishaps that can be repeated
    mishaps = Counter[str]()

    def answer(_: int, __: Received) -> Answer:
        if chance.random() >= failing:
            return Answer()
        name = chance.choice(list(_MISHAPS))
        mishaps[name] += 1
        return _MISHAPS[name]

    with tempfile.TemporaryDirectory() as folder, Receiver(answer) as receiver:
        place = Path(folder) / "service.sqlite"
        with opened(place, guard=_GUARD) as office:
            secrets = [office.endpoints.create("tn_a", receiver.url())[1]]
            (endpoint,) = office.endpoints.all("tn_a")
            secrets.append(office.endpoints.rotate("tn_a", endpoint.id))
            begun = time.monotonic()
            told = {office.tell(subject=f"ev_{number}") for number in range(events)}
            written_s = time.monotonic() - begun

            def delivered() -> int:
                ((count,),) = office.rows("SELECT count(*) FROM sv_webhook_deliveries WHERE status = 'delivered'")
                return int(str(count))

            begun = time.monotonic()
            for number in range(1, kills + 1):
                courier = _courier(place)
                mark = events * number // (kills + 1)
                until(lambda mark=mark: delivered() >= mark, _PATIENCE_S)
                courier.kill()
                courier.wait()
            courier = _courier(place)
            until(lambda: delivered() >= events, _PATIENCE_S)
            took_s = time.monotonic() - begun
            courier.terminate()
            courier.wait()
            ((failed,),) = office.rows("SELECT count(*) FROM sv_webhook_deliveries WHERE status <> 'delivered'")
        received = list(receiver.received)
    ids = {one.headers["webhook-id"] for one in received}
    bodies = {(one.headers["webhook-id"], one.body) for one in received}
    valid = [sum(verified(one, secret) for one in received) for secret in secrets]
    print(f"events written:      {len(told)} in {written_s:.1f} s")
    print(f"requests:            {len(received)} in {took_s:.1f} s, couriers killed: {kills}")
    print(f"failed by receiver:  {mishaps.total()} ({', '.join(f'{name} {n}' for name, n in sorted(mishaps.items()))})")
    print(f"distinct ids:        {len(ids & told)} of {len(told)}, others: {len(ids - told)}, not delivered: {failed}")
    print(f"distinct bodies:     {len(bodies)}")
    print(f"valid signatures:    {valid[1]} of {len(received)} by the new secret, {valid[0]} by the one of before")
    held = ids == told and len(bodies) == len(told) == events and set(valid) == {len(received)} and failed == 0
    print("held" if held else "MISSED")
    return 0 if held else 1


def _courier(place: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, "--deliver", str(place)])  # noqa: S603 - this file


def _deliver(place: Path) -> int:
    schedule = Schedule(delays_s=[delay_s / _FASTER for delay_s in SPEC_DELAYS_S[:4]] * 5)
    with opened(place, guard=_GUARD) as office:
        ledger = Ledger(office.database, office.sealer, schedule, lease_s=_LEASE_S)
        sender = lambda: WebSender(_GUARD, timeout_s=_TIMEOUT_S)  # noqa: E731 - one made for each event loop
        courier = Courier(ledger, sender, limits=Limits(poll_s=0.05))
        courier.start()
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
