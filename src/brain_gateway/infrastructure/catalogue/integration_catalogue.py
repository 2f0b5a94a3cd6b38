"""The catalogue in files: catalogue/integrations/NAME.yaml, each read when it is first asked for."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from brain_gateway.domain.errors import ConfigurationError, ResourceNotFound
from brain_gateway.domain.integrations.integration import Integration

_SUFFIX = ".yaml"


class IntegrationCatalogue:
    """See the port. Nothing is read when it is made: a gateway that proxies reads no file of it, one that uses
    three integrations reads three. Entries are kept; threads that ask at once may read one twice.
    """

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder
        self._names: tuple[str, ...] | None = None
        self._entries: dict[str, Integration] = {}

    def names(self) -> tuple[str, ...]:
        """See the port: the names of the files."""
        if self._names is None:
            found = (file.name for file in self._files().iterdir() if file.name.endswith(_SUFFIX))
            self._names = tuple(sorted(name.removesuffix(_SUFFIX) for name in found))
        return self._names

    def get(self, name: str) -> Integration:
        """See the port."""
        found = self._entries.get(name)
        if found is None:
            if name not in self.names():
                raise ResourceNotFound("the catalogue has no such integration")
            found = self._entries[name] = self._read(name)
        return found

    def all(self) -> tuple[Integration, ...]:
        """See the port."""
        faults: list[str] = []
        entries: list[Integration] = []
        for name in self.names():
            try:
                entries.append(self.get(name))
            except ConfigurationError as error:
                faults += error.faults
        if faults:
            raise ConfigurationError(faults=tuple(faults))
        return tuple(entries)

    def _files(self) -> Traversable:
        return self._folder or files("brain_gateway") / "catalogue" / "integrations"

    def _read(self, name: str) -> Integration:
        # Not imported with this module: the models cost more than everything else here.
        from brain_gateway.infrastructure.catalogue.entries import parse_entry

        file = self._files() / f"{name}{_SUFFIX}"
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(f"{file.name}: cannot be read as UTF-8 text") from None
        return parse_entry(text, name)
