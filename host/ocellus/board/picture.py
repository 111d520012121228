"""A record as boxes in a terminal."""

from rich.panel import Panel
from rich.text import Text

from ..records import DetectedObject, Record

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
Cells = list[list[tuple[str, str]]]
"""Lines of characters with their styles."""


def _style(o: DetectedObject) -> str:
    return COLOURS[o.class_index % len(COLOURS)]


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
        """Boxes, the largest first, so that small ones stay visible; then names and scores where there is room."""
        cells: Cells = [[(" ", "")] * self.columns for _ in range(self.lines)]
        for o in sorted(record.objects, key=lambda o: -o.width * o.height):
            self._box(cells, o)
        taken: set[tuple[int, int]] = set()
        for o in sorted(record.objects, key=lambda o: -o.score):
            self._name(cells, o, taken)
        text = Text()
        for number, line in enumerate(cells):
            for character, style in line:
                text.append(character, style)
            if number + 1 < self.lines:
                text.append("\n")
        count = len(record.objects)
        title = f"frame {record.frame_counter}: {count} object{'s' * (count != 1)}"
        return Panel(text, title=title, subtitle=f"network {record.network_id:08x}", padding=0, expand=False)

    def _corners(self, o: DetectedObject) -> tuple[int, int, int, int]:
        """First and last column, first and last line."""
        left, right = (self._place(x, self._frame[0], self.columns) for x in (o.left, o.left + o.width - 1))
        top, bottom = (self._place(y, self._frame[1], self.lines) for y in (o.top, o.top + o.height - 1))
        return left, right, top, bottom

    def _box(self, cells: Cells, o: DetectedObject) -> None:
        left, right, top, bottom = self._corners(o)
        style = _style(o)
        for column in range(left + 1, right):
            cells[top][column] = cells[bottom][column] = ("─", style)
        for row in range(top + 1, bottom):
            cells[row][left] = cells[row][right] = ("│", style)
        corners = "▪▪▪▪" if left == right or top == bottom else "┌┐└┘"
        places = ((top, left), (top, right), (bottom, left), (bottom, right))
        for (row, column), corner in zip(places, corners, strict=True):
            cells[row][column] = (corner, style)

    def _name(self, cells: Cells, o: DetectedObject, taken: set[tuple[int, int]]) -> None:
        """In the box's upper side where it fits, else above or below it; nowhere over another name."""
        left, right, top, bottom = self._corners(o)
        label = f"{o.class_name or f'class {o.class_index}'} {o.score}"
        ends_at = max(self.columns - len(label), 0)
        beside = [(top - 1, min(left, ends_at)), (bottom + 1, min(left, ends_at))]
        inside = [(side, left + 1) for side in (top, bottom) if left + 1 <= ends_at]
        fits = len(label) < right - left
        for row, column in [*inside, *beside] if fits else [*beside, *inside]:
            wanted = {(row, column + n) for n in range(-1, len(label) + 1)}
            if 0 <= row < self.lines and not wanted & taken:
                taken |= wanted
                for n, character in enumerate(label[: self.columns]):
                    cells[row][column + n] = (character, _style(o))
                return

    @staticmethod
    def _place(at: int, of: int, cells: int) -> int:
        return min(max(at * cells // of, 0), cells - 1)
