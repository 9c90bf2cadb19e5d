from collections.abc import Iterator

from syntok.tokenizer import Token

def analyze(document: str) -> Iterator[Iterator[list[Token]]]: ...
