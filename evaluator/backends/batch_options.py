"""What a caller may choose about provider batches, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, fields

from evaluator.errors import OptionError
from evaluator.store.batches import BatchLedger

__all__ = ["BatchOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """Choices about provider batches.

    Attributes:
        ledger: Where batches and their replies are kept; whoever opened it closes it, after the last answer.
        quiet_s: A batch is sent when no request has come for so long.
        gather_s: Or when its first one has waited for so long.
        max_requests: Or when it holds so many; ``None`` takes the provider's limit.
        max_bytes: Most bytes of one upload; ``None`` takes the provider's limit.
        poll_s: First wait between two looks at a batch; each next one is half as long again.
        longest_poll_s: Ceiling of those waits, and of those between repeated calls.
        outage_s: How long a provider that can't be reached is tried again.
        deadline_s: A batch that isn't done so long after it was intended is cancelled; what is done of it counts.
        certain_s: How long after a batch may have been created the provider's list is sure to show it.
        rounds: Most batches for one request.
    """

    ledger: BatchLedger
    quiet_s: float = 2.0
    gather_s: float = 120.0
    max_requests: int | None = None
    max_bytes: int | None = None
    poll_s: float = 15.0
    longest_poll_s: float = 300.0
    outage_s: float = 6 * 3600.0
    deadline_s: float = 26 * 3600.0
    certain_s: float = 60.0
    rounds: int = 3

    def __post_init__(self) -> None:
        """Refuse figures that have no meaning.

        Raises:
            OptionError: A time or a count is not above zero.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | float) and not value > 0:
                raise OptionError(f"must be above zero, not {value:g}", where=f"batching.{field.name}")
