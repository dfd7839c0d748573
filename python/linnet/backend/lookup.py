"""One way to say "unknown name": with the near matches, then with all there is."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """The error to raise for a name that is not among `known`: unknown loss "mse2"; did you mean "mse"?

    kind: what the name should have named ("loss", "activation", ...).
    """
    names = sorted({str(entry) for entry in known})
    folded = {entry.lower(): entry for entry in names}
    near = [folded[match] for match in difflib.get_close_matches(str(name).lower(), folded, n=3, cutoff=0.5)]
    if near:
        hint = "did you mean " + " or ".join(f'"{match}"' for match in near) + "?"
    else:
        hint = "known: " + ", ".join(names)
    return ValueError(f'unknown {kind} "{name}"; {hint}')


def choose(kind: str, name: object, table: Mapping[str, Any]) -> Any:
    """table[name], or the error above. Names are taken as they are: "relu" is not "ReLU"."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise unknown_name(kind, name, table)
