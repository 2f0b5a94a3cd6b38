"""What a benchmark hands back, and how it is shown: plain table, Markdown, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

Cell = float | str | None


@dataclass(frozen=True)
class Column:
    """A figure of the table: key in the rows, heading, digits after the point."""

    key: str
    heading: str
    digits: int = 1

    def show(self, cell: Cell) -> str:
        """Return the cell as text; a figure that does not exist is a dash."""
        if cell is None:
            return "-"
        return cell if isinstance(cell, str) else f"{cell:,.{self.digits}f}"


@dataclass(frozen=True)
class Goal:
    """A number that the project holds itself to; `value` must not pass `limit` (or must reach it)."""

    text: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the measured value keeps the promise."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def show(self) -> str:
        """Return the goal as one line."""
        word = "at least" if self.at_least else "at most"
        return f"{'met   ' if self.met else 'MISSED'} {self.text}: {self.value:.2f} ({word} {self.limit:g})"


@dataclass
class Report:
    """One benchmark's table. Each row has "name" and the keys of the columns."""

    bench: str
    title: str
    columns: Sequence[Column]
    rows: list[dict[str, Cell]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_text(self) -> str:
        """Return an aligned table with goals and notes below it."""
        table = self._cells()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [f"== {self.bench}: {self.title}"]
        for first, *rest in table:
            figures = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
            lines.append("  ".join([first.ljust(widths[0]), *figures]))
        lines += [f"  {goal.show()}" for goal in self.goals]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """Return the rows as a Markdown table with its heading, goals and notes."""
        head, *body = self._cells()
        rule = ["---", *("--:" for _ in self.columns)]
        lines = [f"### {self.bench}: {self.title}", ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in (head, rule, *body)]
        remarks = [" ".join(goal.show().split()) for goal in self.goals] + self.notes
        lines += ["", *(f"- {remark}" for remark in remarks)] if remarks else []
        return "\n".join(lines)

    def as_data(self) -> dict[str, object]:
        """Return what JSON needs; figures are not rounded."""
        goals = [{**asdict(goal), "met": goal.met} for goal in self.goals]
        parts = {"bench": self.bench, "title": self.title, "rows": self.rows}
        return {**parts, "goals": goals, "notes": self.notes}

    def _cells(self) -> list[list[str]]:
        head = ["", *(column.heading for column in self.columns)]
        body = [
            [str(row["name"]), *(column.show(row.get(column.key)) for column in self.columns)]
            for row in self.rows
        ]
        return [head, *body]
