"""A record as boxes in a terminal."""

from rich.panel import Panel
from rich.text import Text

from ..records import DetectedObject, Record

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")


class Picture:
    """Draws records into a frame of characters, two of whose columns are as wide as a line is high.

    Parameters
    ----------
    frame : (int, int)
        Width and height of the sensor's frame in pixels.
    room : (int, int)
        Columns and lines that the terminal has; the picture with its border takes no more.
    """

    def __init__(self, frame: tuple[int, int], room: tuple[int, int]):
        self._frame = frame
        width, height = frame
        columns, lines = max(room[0] - 2, 8), max(room[1] - 2, 4)
        scale = min(columns / width, 2 * lines / height)
        self.columns, self.lines = max(int(width * scale), 8), max(int(height * scale / 2), 4)

    def draw(self, record: Record) -> Panel:
        """Boxes with their names and scores; the largest first, so that small ones stay visible."""
        cells: list[list[tuple[str, str]]] = [[(" ", "")] * self.columns for _ in range(self.lines)]
        for o in sorted(record.objects, key=lambda o: -o.width * o.height):
            self._box(cells, o)
        text = Text()
        for number, line in enumerate(cells):
            for character, style in line:
                text.append(character, style)
            if number + 1 < self.lines:
                text.append("\n")
        count = len(record.objects)
        title = f"frame {record.frame_counter}: {count} object{'s' * (count != 1)}"
        return Panel(text, title=title, subtitle=f"network {record.network_id:08x}", padding=0, expand=False)

    def _box(self, cells: list[list[tuple[str, str]]], o: DetectedObject) -> None:
        left, right = (self._place(x, self._frame[0], self.columns) for x in (o.left, o.left + o.width - 1))
        top, bottom = (self._place(y, self._frame[1], self.lines) for y in (o.top, o.top + o.height - 1))
        style = COLOURS[o.class_index % len(COLOURS)]

        def put(row: int, column: int, character: str) -> None:
            if 0 <= column < self.columns:
                cells[row][column] = (character, style)

        for column in range(left + 1, right):
            put(top, column, "─")
            put(bottom, column, "─")
        for row in range(top + 1, bottom):
            put(row, left, "│")
            put(row, right, "│")
        if left == right or top == bottom:
            put(top, left, "▪")
            put(bottom, right, "▪")
        else:
            for row, column, corner in ((top, left, "┌"), (top, right, "┐"), (bottom, left, "└"), (bottom, right, "┘")):
                put(row, column, corner)
        label = f"{o.class_name or f'class {o.class_index}'} {o.score}"
        for column, character in enumerate(label, left + 1):
            put(top, column, character)

    @staticmethod
    def _place(at: int, of: int, cells: int) -> int:
        return min(max(at * cells // of, 0), cells - 1)
