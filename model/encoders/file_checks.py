"""What is wrong with an encoder's files, in a user's terms."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path


def fault(path: Path) -> str:
    """What is wrong with one file of an encoder folder, and how to mend it; nothing if it is whole as far as its text,
    or the header of safetensors, can tell."""
    facts = path.stat()
    return _fault(path, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _fault(path: Path, size: int, changed: int) -> str:
    """Size and time of change make a changed file a new one."""
    mend = f"put the encoder's own {path.name} there"
    if path.suffix == ".safetensors":
        return _weights_fault(path)
    if path.suffix not in (".json", ".txt"):
        return ""
    try:
        text = path.read_bytes().decode()
        if path.suffix == ".json" and not isinstance(json.loads(text), dict):
            return f"{path} is not a JSON object; {mend}"
        if path.name == "tokenizer.json":
            return _tokenizer_fault(path)
    except UnicodeDecodeError as error:
        return f"{path} is not UTF-8 (byte {error.start}); {mend}"
    except (ValueError, RecursionError) as error:
        return f"{path} cannot be read as JSON ({reason(error)}); {mend}"
    return ""


def _weights_fault(path: Path) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):  # sees from the header whether the numbers are all there
            return ""
    except (SafetensorError, OSError) as error:
        return f"{path} is damaged or cut short ({reason(error)}); fetch it again"


def _tokenizer_fault(path: Path) -> str:
    from tokenizers import Tokenizer

    try:
        Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare ones
        return f"{path} does not describe a tokenizer ({reason(error)}); put the encoder's own {path.name} there"
    return ""


def reason(error: BaseException) -> str:
    """An error's words, on one line that can be printed and written; its kind where it says nothing."""
    words = " ".join(str(error).split())[:300]
    return "".join(letter if letter.isprintable() else "?" for letter in words) or type(error).__name__


def of_model(error: Exception) -> str:
    """Why the network could not be made of config.json and safetensors."""
    words = reason(error)
    if "ignore_mismatched_sizes" in words:
        return "its weights do not have the sizes that its config.json says"
    field = re.search(r"Validation error for field '(\w+)'", words)
    if field:
        return f"its config.json has a setting that cannot be used ({field[1]} has a value of the wrong kind)"
    if isinstance(error, LookupError | ArithmeticError | TypeError | AttributeError):
        return f"its config.json has a setting that cannot be used ({_cause(error)})"
    return words


def of_bin(error: Exception) -> str:
    """Why the network could not be made of config.json and a .bin."""
    message = of_model(error)
    if type(error).__name__ == "UnpicklingError":
        return "its .bin holds more than weights, so it is not read (it could run code); give it as model.safetensors"
    named = isinstance(error, KeyError) and isinstance(error.args[0], str)  # an activation that there is not
    if named or isinstance(error, ArithmeticError) or " sizes " in message or "wrong kind" in message:
        return message
    return f"its .bin is damaged or cut short ({type(error).__name__}); fetch it again"


def of_tokenizer(error: Exception) -> str:
    """Why the tokenizer could not be made."""
    return f"its tokenizer.json, tokenizer_config.json or vocab.txt has something that cannot be used ({_cause(error)})"


def _cause(error: Exception) -> str:
    """An error's words, unless they are about a library's own code; then its kind."""
    kind = type(error).__name__
    if isinstance(error, TypeError | AttributeError | IndexError):
        return kind
    return f"{kind}: {reason(error)}" if isinstance(error, KeyError | ArithmeticError) else reason(error)
