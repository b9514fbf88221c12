"""Between rows and records: one place that knows about JSON text, booleans and seals.

The fields of a record are the columns of its table, in the same order; that is checked when a
mapping is made. Rows are then turned into records by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from gatehouse.storage.columns import Json, Sealed
from gatehouse.storage.errors import InvalidValue
from gatehouse.storage.records import Record
from gatehouse.storage.transaction import Row, Transaction

R = TypeVar("R", bound=Record)


def seal_place(table: str, column: str, key: Sequence[str]) -> str:
    """What a seal is bound to: the column, and the primary key of the row."""
    return "/".join((table, column, *key))


class RecordMap(Generic[R]):
    """How the rows of `table` become records of type `record`, and back."""

    def __init__(self, table: sa.Table, record: type[R]) -> None:
        self.table = table
        self.record = record
        self.names = tuple(column.name for column in table.columns)
        fields = tuple(field.name for field in msgspec.structs.fields(record))
        if fields != self.names:
            raise TypeError(f"{record.__name__} does not have the columns of {table.name}")
        self._keys = [index for index, column in enumerate(table.columns) if column.primary_key]

    @cached_property
    def types(self) -> Mapping[str, Any]:
        """The type of each field."""
        return {field.name: field.type for field in msgspec.structs.fields(self.record)}

    @cached_property
    def sealed(self) -> tuple[tuple[int, str], ...]:
        """Position and name of the columns whose values are encrypted."""
        return tuple(
            (index, column.name)
            for index, column in enumerate(self.table.columns)
            if isinstance(column.type, Sealed)
        )

    @cached_property
    def _decoders(self) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
        decoders: list[tuple[int, Callable[[Any], Any]]] = []
        for index, column in enumerate(self.table.columns):
            if isinstance(column.type, Json):
                decoders.append((index, msgspec.json.Decoder(self.types[column.name]).decode))
            elif isinstance(column.type, sa.Boolean):
                decoders.append((index, bool))
        return tuple(decoders)

    def read(self, tx: Transaction, row: Row) -> R:
        """The record of a row that has all columns, in order."""
        values = list(row)
        for index, decode in self._decoders:
            value = values[index]
            if value is not None:
                values[index] = decode(value)
        for index, name in self.sealed:
            if values[index] is not None:
                place = seal_place(self.table.name, name, [values[key] for key in self._keys])
                values[index] = tx.vault.open(values[index], place)
        return self.record(**dict(zip(self.names, values, strict=True)))

    def write(self, tx: Transaction, record: R) -> dict[str, Any]:
        """The parameters that store a record."""
        values = {name: getattr(record, name) for name in self.names}
        return values | self.seal(tx, values, [values[self.names[key]] for key in self._keys])

    def seal(
        self, tx: Transaction, values: Mapping[str, Any], key: Sequence[str]
    ) -> dict[str, str]:
        """The sealed form of those of the values that are secrets."""
        return {
            name: tx.vault.seal(values[name], seal_place(self.table.name, name, key))
            for _, name in self.sealed
            if values.get(name) is not None
        }

    def convert(self, changes: Mapping[str, object]) -> dict[str, Any]:
        """Check and convert changed values to the types of their fields.

        Raises `TypeError` for a name that is no field, `InvalidValue` for a value of another type.
        """
        converted: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in self.types:
                raise TypeError(f"{self.record.__name__} has no {name}")
            try:
                converted[name] = msgspec.convert(value, self.types[name])
            except msgspec.ValidationError as error:
                raise InvalidValue(f"{name} has the wrong type") from error
        return converted
