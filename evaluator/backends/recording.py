"""Recording and replaying what is said to a provider, at the HTTP transport that both SDKs travel by.

In: `RecordingOptions`. Out: what `ChatOptions.transport` takes. Replay never opens the network: a request that was not
recorded is an error. Recording writes no request header and a few of the answer's, and nothing that looks like a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evaluator.backends.recordings import Recordings
from evaluator.errors import OptionError

if TYPE_CHECKING:
    import httpx2

__all__ = ["Mode", "RecordingOptions"]

Mode = Literal["record", "replay", "passthrough"]
"""``record`` asks and keeps what the provider answers, ``replay`` answers from that, ``passthrough`` does neither."""


@dataclass(frozen=True, kw_only=True)
class RecordingOptions:
    """Whether and where exchanges are recorded.

    Attributes:
        mode: What to do.
        folder: Where the recordings are; needed unless ``passthrough``.
        command: What records a request that a replay misses, for the error's remedy; a general one if ``None``.
        note: Kept in each file that is written.
    """

    mode: Mode = "passthrough"
    folder: Path | None = None
    command: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a folder that can't be used, before anything is paid for.

        Raises:
            OptionError: No folder, or none that can be read or written.
        """
        if self.mode == "passthrough":
            return
        if self.folder is None:
            raise OptionError("no folder was given", where=self.mode, remedy="name the folder of the recordings")
        if self.mode == "replay" and not self.folder.is_dir():
            raise OptionError("there is no such folder", where="replay", remedy="name the folder of the recordings")
        if self.mode == "record":
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OptionError(
                    f"the folder can't be made: {(error.strerror or 'unknown reason').lower()}",
                    where="record",
                    remedy="name another folder",
                ) from error

    @cached_property
    def recordings(self) -> Recordings:
        """The folder, and which of its files were used; one for all providers.

        Raises:
            OptionError: There is no folder.
        """
        if self.folder is None:
            raise OptionError("no folder was given", where=self.mode, remedy="name the folder of the recordings")
        return Recordings(self.folder, command=self.command)

    def transport(
        self, provider: str, network: Callable[[], httpx2.AsyncBaseTransport] | None = None
    ) -> Callable[[], httpx2.AsyncBaseTransport] | None:
        """Return what builds the transport of one event loop, for `ChatOptions.transport`.

        Args:
            provider: Row of the BACKENDS table; names the folder's part.
            network: What to record from or pass through to; the network itself if ``None``.
        """
        if self.mode == "passthrough":
            return network

        def build() -> httpx2.AsyncBaseTransport:
            from evaluator.backends.recording_transport import (  # noqa: PLC0415 - it loads httpx2
                Recorder,
                Replayer,
                Stamp,
            )

            if self.mode == "replay":
                return Replayer(self.recordings, provider)
            return Recorder(self.recordings, provider, network() if network else None, Stamp(self.note))

        return build
