"""The pages of a PDF made into pictures, on white ground. Scripts in it do not run: the library has no engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import IO

import pypdfium2
from pypdfium2 import raw

from libraries.imaging import colours
from libraries.imaging.faults import Fault, Refused
from libraries.imaging.limits import PAGE_DPI, PAGE_PX, Limits
from libraries.imaging.output import Output

POINTS_PER_INCH = 72


def opened(file: IO[bytes], limits: Limits) -> pypdfium2.PdfDocument:
    """The document; Refused if it needs a password, or has too many pages or none."""
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        fault = Fault.ENCRYPTED if error.err_code == raw.FPDF_ERR_PASSWORD else Fault.BROKEN
        raise Refused(fault) from error
    document.init_forms()  # before the pages are counted; otherwise what was filled in is not shown
    if (count := len(document)) > limits.pages:
        raise Refused(Fault.PAGES, count, limits.pages)
    if count == 0:
        raise Refused(Fault.BROKEN)
    return document


def convert(document: pypdfium2.PdfDocument, out: Output) -> Iterator[dict[str, object]]:
    """Draw and write the pages, one at a time; yields what is said of each."""
    for index in range(len(document)):
        page = document[index]
        scale = _scale(*page.get_size())
        bitmap = page.render(scale=scale, fill_color=(255, 255, 255, 255), rev_byteorder=True, limit_image_cache=True)
        image = colours.bare(colours.fitting(bitmap.to_pil(), PAGE_PX))
        media_type = out.page(index + 1, image)
        yield {"type": media_type, "width": image.width, "height": image.height, "animated": False, "page": index + 1}
        del image
        bitmap.close()
        page.close()


def _scale(width: float, height: float) -> float:
    """Pixels for a point of a page of this size in points: its longest side has at most `PAGE_PX`."""
    longest = max(width, height)
    if not (math.isfinite(longest) and min(width, height) > 0):
        raise Refused(Fault.BROKEN)
    return min(PAGE_PX / longest, PAGE_DPI / POINTS_PER_INCH)
