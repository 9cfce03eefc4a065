"""Read a spec's tables: CSV files beside it, checked row by row.

In: `ast.Table`s and the source, whose folder is the root of relative paths. Out: `Table`s, and diagnostics.
Invariant: nothing outside the spec's folder is read; a mistake in a file is told with its line number; a table that was
reported as wrong is absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalspec.diagnostics import Report
from causalspec.files import Unusable, read_beside
from causalspec.semantics.core import Apply, Constant, Core, Operation
from causalspec.semantics.expressions import Elaborator, report_unknown, type_of, unknown
from causalspec.semantics.types import Bool, Number, Type, Unknown, Value, Words, family
from causalspec.semantics.world import Table, World
from causalspec.span import Source
from causalspec.syntax import ast

MOST_ROWS = 10_000


def read_tables(written: Sequence[ast.Table], source: Source, world: World, report: Report) -> dict[str, str]:
    """Fill `world.tables`; the texts of the files that were read, by their paths."""
    texts: dict[str, str] = {}
    for item in written:
        world.doubtful.add(item.name.text)
        path = _path(item, report)
        if path is None:
            continue
        try:
            texts[path.value] = read_beside(source, path.value)
        except Unusable as error:
            report.add("E0209", f"the table `{item.name.text}` cannot be read", path.span, str(error))
            continue
        table = _table(item, path, texts[path.value], world, report)
        if table is not None:
            world.doubtful.discard(item.name.text)
            world.tables[table.name] = table
    return texts


def _path(written: ast.Table, report: Report) -> ast.Text | None:
    call = written.source
    if call.function.text != "csv":
        report_unknown(report, call.function, "kind of table", ("csv",))
        return None
    if len(call.arguments) == 1 and call.arguments[0].name is None and isinstance(call.arguments[0].value, ast.Text):
        return call.arguments[0].value
    report.add("E0205", "`csv` takes one file name", call.span, help='for example `csv("cities.csv")`')
    return None


def _table(written: ast.Table, path: ast.Text, text: str, world: World, report: Report) -> Table | None:
    import csv
    import io

    errors = report.errors
    keys = [column for column in written.columns if column.is_key]
    if len(keys) != 1:
        report.add("E0206", f"table `{written.name.text}` has {'no' if not keys else 'more than one'} `key` column",
                   written.name.span, help="the key's values are all different; lookups go by it: `key city: text`")  # fmt: skip
        return None
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        report.add("E0209", f"the table `{written.name.text}` cannot be read", path.span, f"{path.value}: {error}")
        return None
    if len(rows) < 2 or len(rows) > MOST_ROWS + 1:
        report.add("E0209", f"the table `{written.name.text}` cannot be read", path.span,
                   f"{path.value} has {max(len(rows) - 1, 0):,} rows after its header; a table has 1 to {MOST_ROWS:,}")  # fmt: skip
        return None
    columns = {column.name.text: _column(column, rows, path, world, report) for column in written.columns}
    if len(columns) < len(written.columns):
        report.add("E0202", f"table `{written.name.text}` names a column twice", written.name.span)
    if report.errors > errors:
        return None
    types = {name: found[0] for name, found in columns.items() if found is not None}
    values = {name: found[1] for name, found in columns.items() if found is not None}
    key = keys[0].name.text
    first: dict[Value, int] = {}
    for (line, _), value in zip(rows[1:], values[key], strict=True):
        if value in first:
            report.add("E0312", f"the key `{key}` is not unique", path.span,
                       f"{path.value}: lines {first[value]} and {line} have the same")  # fmt: skip
            return None
        first[value] = line
    return Table(written.name.text, key, types, values)


def _column(
    written: ast.Column, rows: Sequence[tuple[int, Sequence[str]]], path: ast.Text, world: World, report: Report
) -> tuple[Type, tuple[Value, ...]] | None:
    header = [name.strip() for name in rows[0][1]]
    if written.name.text not in header:
        report_unknown(report, written.name, f"column in {path.value}", header)
        return None
    place = header.index(written.name.text)
    is_text = isinstance(written.type, ast.SimpleType) and written.type.name.text == "text"
    type_: Type = Words(()) if is_text else type_of(Elaborator({}, report, "a column", world), written.type)[0]
    if isinstance(type_, Unknown):
        return None
    values: list[Value] = []
    for line, row in rows[1:]:
        cell = row[place].strip() if place < len(row) else ""
        value = _value(cell, type_, is_text)
        if value is None:
            what = "text" if is_text else family(type_)
            shown = f"`{cell}` is not {what}" if cell else f"no value of `{written.name.text}`"
            report.add("E0312", f"a row of {path.value} does not fit", path.span, f"line {line}: {shown}")
            return None
        values.append(value)
    if is_text:
        type_ = Words(tuple(dict.fromkeys(str(value) for value in values)))
    elif isinstance(type_, Number):
        numbers = [value for value in values if isinstance(value, int)]
        type_ = Number(type_.scale, min(numbers), max(numbers))
    return type_, tuple(values)


def _value(cell: str, type_: Type, is_text: bool) -> Value | None:
    """What a cell says; None where it does not fit the column."""
    if not cell:
        return None
    if is_text:
        return cell
    match type_:
        case Words(words=words):
            return cell if cell in words else None
        case Bool():
            return {"true": True, "false": False}.get(cell.lower())
        case Number(scale=scale, low=low, high=high):
            digits = _digits(cell, scale)
            inside = digits is not None and (low > high or low <= digits <= high)
            return digits if inside else None
    return None


def _digits(cell: str, scale: int) -> int | None:
    """The scaled integer of a decimal number; None for what is none, or needs more places."""
    sign, body = (-1, cell[1:]) if cell.startswith("-") else (1, cell)
    whole, point, rest = body.partition(".")
    plain = whole.isascii() and whole.isdigit() and (not point or (rest.isascii() and rest.isdigit()))
    if not plain or len(rest) > scale or len(whole) > 18:
        return None
    return sign * int(whole + rest.ljust(scale, "0"))


def lookup(elaborator: Elaborator, table: Table, key: ast.Expr, column: ast.Access) -> Core:
    """`places[city].country`: the column's value in the row of a key."""
    core = elaborator.core(key)
    if isinstance(core.type, Unknown):
        return core
    name = str(column.member)
    if name not in table.types:
        report_unknown(
            elaborator.report, ast.Name(name, column.member_span), f"column in table `{table.name}`", table.types
        )
        return unknown(column.span)
    found = _outside(core, table)
    if found is not None:
        elaborator.report.add("E0301", f"table `{table.name}` has no row for every value of this", core.span, found,
                              help=f"a key is one of `{table.name}.{table.key}`")  # fmt: skip
        return unknown(column.span)
    pairs = tuple(zip(table.values[table.key], table.values[name], strict=True))
    return Apply(Operation.LOOKUP, (core,), table.types[name], column.span, table=pairs)


def _outside(core: Core, table: Table) -> str | None:
    """Why a value is not always a key, in words."""
    keys, type_ = set(table.values[table.key]), table.types[table.key]
    match core.type, type_:
        case Words(words=words), Words():
            missing = next((word for word in words if word not in keys), None)
            return None if missing is None else f'none for "{missing}"'
        case Bool(), Bool():
            return None if keys >= {False, True} else "its key lacks true or false"
        case Number(scale=scale, low=low, high=high), Number() if scale == type_.scale:
            if isinstance(core, Constant):
                return None if core.value in keys else "none for this number"
            absent = next((value for value in range(low, min(high, low + MOST_ROWS) + 1) if value not in keys), None)
            return None if absent is None else "its range has numbers that are no key"
    return f"this is {family(core.type)}, the key {family(type_)}"


def column_words(elaborator: Elaborator, written: ast.ColumnWords, tables: Mapping[str, Table]) -> tuple[str, ...]:
    """The words of a table's column; none after a mistake."""
    report, name = elaborator.report, written.table.text
    if name not in tables:
        if name not in elaborator.world.doubtful:
            report_unknown(report, written.table, "table", tables)
        return ()
    table = tables[name]
    if written.column.text not in table.types:
        report_unknown(report, written.column, f"column in table `{name}`", table.types)
        return ()
    type_ = table.types[written.column.text]
    if not isinstance(type_, Words):
        report.add("E0301", f"column `{written.column.text}` holds no words", written.span, f"this is {family(type_)}")
        return ()
    return type_.words
