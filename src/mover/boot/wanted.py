"""A copy as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mover.boot.addresses import Asked, absolute
from mover.boot.given import from_here, names_a_file
from mover.engine.filter_options import FilterOptions
from mover.engine.settings import RunSettings
from mover.runner.ends import Layer


@dataclass(frozen=True, slots=True)
class Wanted:
    """Both places, and how to go about it."""

    source: Asked
    destination: Asked
    settings: RunSettings
    filters: FilterOptions

    def settled(self) -> Wanted:
        """The same from anywhere: addresses and key files from the top."""
        return replace(self, source=_from_top(self.source), destination=_from_top(self.destination))


def _from_top(asked: Asked) -> Asked:
    layer = asked.layer and Layer(asked.layer.key.expanduser().absolute(), asked.layer.names)
    options = {n: from_here(v) if names_a_file(n) else v for n, v in asked.options.items()}
    return replace(asked, address=absolute(asked.address), options=options, layer=layer)
