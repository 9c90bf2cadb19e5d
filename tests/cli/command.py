"""The real command with the backend ``fake`` added: ``python -m tests.cli.command grade ...``."""

from __future__ import annotations

from evaluator.backends import BACKENDS
from evaluator.cli.main import main
from tests.cli import fake_backend

if __name__ == "__main__":
    BACKENDS["fake"] = fake_backend.ROW
    main()
