"""Which pictures can be drawn."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import check_output


def check_picture(path: str | Path) -> None:
    """Refuse a picture that cannot be drawn, before the work that is to fill it.

    Args:
        path (str | Path): The file; its suffix chooses the format.

    Raises:
        UserError: If the suffix is of no kind that can be drawn, or the file
            cannot be written.
    """
    if Path(path).suffix[1:].lower() not in FigureCanvasAgg.get_supported_filetypes():
        raise UserError(f'{path}: cannot draw this kind of file; name a .png or .pdf')
    check_output(path)
