"""The secrets port over one encrypted file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from brain_gateway.application.ports.secrets import SecretsHealth, SecretsStatus, StoredSecret
from brain_gateway.domain.errors import PreconditionFailed, SecretNotFound, SecretsUnavailable
from brain_gateway.domain.secret_path import PLATFORM, SecretPath, checked_values
from brain_gateway.domain.tenancy import Secret
from brain_gateway.infrastructure.secrets_file.document import Document
from brain_gateway.infrastructure.secrets_file.keyring import DamagedError, Keyring, UnknownKeyError
from brain_gateway.infrastructure.secrets_file.storage import BusyError, OpenToOthersError, WholeFile

FILE = "secrets.json"
P = ParamSpec("P")
R = TypeVar("R")

_NO_KEY = (
    "SECRETS_KEY: must be set to keep secrets in a file (make one with `openssl rand -base64 32`); "
    "or set VAULT_ADDR"
)
_OTHER_KEY = (
    f"SECRETS_KEY: none of its keys opens {FILE}; put the key that it was written with at the list's end"
)
_DAMAGED = (
    f"{FILE} is damaged (cut off or changed) and is left as it is; put a copy of the whole file in its place"
)
_OPEN = f"{FILE} must be readable by its owner alone; run chmod 600 on it"
_BUSY = f"{FILE} is being changed by another process that does not come to an end"


class FileSecrets:
    """Secrets in `folder`. `keys` gives the keys (32 bytes each, none: nothing can be stored), when they are needed.

    The file is read anew each time: processes on one machine see each other's changes at once.
    """

    def __init__(self, folder: Path, keys: Callable[[], Sequence[bytes]]) -> None:
        self._file = WholeFile(folder / FILE)
        self._make_keys = keys
        self._keys: Keyring | None = None

    async def read(self, path: SecretPath, *, anew: bool = False) -> StoredSecret:
        """See the port; it is always read anew."""
        return await _in_thread(self._read, path)

    async def write(
        self, path: SecretPath, values: Mapping[str, Secret], expected_version: int | None = None
    ) -> int:
        """See the port."""
        return await _in_thread(self._write, path, checked_values(values), expected_version)

    async def delete(self, path: SecretPath) -> None:
        """See the port."""
        await _in_thread(self._delete, path)

    async def names(self, tenant_id: str | None) -> tuple[str, ...]:
        """See the port."""
        return await _in_thread(self._names, tenant_id or PLATFORM)

    async def rotate(self) -> int:
        """Encrypt everything with the first key; the number of secrets. Raises SecretsUnavailable."""
        return await _in_thread(self._rotate)

    async def health(self) -> SecretsHealth:
        """See the port; the file must open."""
        try:
            await _in_thread(self._load)
        except SecretsUnavailable as error:
            return SecretsHealth(SecretsStatus.UNREACHABLE, error.detail)
        return SecretsHealth(SecretsStatus.OK)

    def _read(self, path: SecretPath) -> StoredSecret:
        document = self._load()
        found = document.get(path, self._ring()) if document.entries else None
        if found is None:
            raise SecretNotFound
        return found

    def _write(self, path: SecretPath, values: dict[str, Secret], expected: int | None) -> int:
        keys = self._ring()
        with self._changing() as document:
            if expected is not None and document.version(path) != expected:
                raise PreconditionFailed(f"version {document.version(path)} is stored, not {expected}")
            return document.put(path, values, keys)

    def _delete(self, path: SecretPath) -> None:
        if self._load().version(path):
            with self._changing() as document:
                document.entries.pop(str(path), None)

    def _names(self, tenant: str) -> tuple[str, ...]:
        addresses = (address.split("/") for address in self._load().entries)
        return tuple(sorted(name for owner, name in addresses if owner == tenant))

    def _rotate(self) -> int:
        if not self._load().entries:
            return 0
        with self._changing() as document:
            return document.close_anew(self._ring())

    def _load(self) -> Document:
        """What the file holds; keys are asked for only when there is one."""
        text = self._file.read()
        return Document() if text is None else Document.parse(text, self._ring())

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Document]:
        """The document, to be changed inside; stored at the end."""
        with self._file.turn():
            document = self._load()
            yield document
            self._file.replace(document.render(self._ring()))

    def _ring(self) -> Keyring:
        if self._keys is None:
            keys = self._make_keys()
            if not keys:
                raise SecretsUnavailable(_NO_KEY, refused=True)
            self._keys = Keyring(keys)
        return self._keys


async def _in_thread(work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Files are read and written beside the event loop; what can go wrong is told as SecretsUnavailable."""
    try:
        return await asyncio.to_thread(work, *arguments, **named)
    except UnknownKeyError:
        raise SecretsUnavailable(_OTHER_KEY, refused=True) from None
    except DamagedError:
        raise SecretsUnavailable(_DAMAGED, refused=True) from None
    except OpenToOthersError:
        raise SecretsUnavailable(_OPEN, refused=True) from None
    except BusyError:
        raise SecretsUnavailable(_BUSY) from None
    except OSError as error:
        raise SecretsUnavailable(
            f"{FILE} cannot be read or written ({error.strerror}); it is unchanged", refused=True
        ) from error
