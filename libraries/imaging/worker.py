"""The process that decodes one file: `python -I worker.py FOLDER PARENT LIMITS`, with the file as its standard input.

It is started by `process`, and writes a line of JSON for each picture to its standard output. Whoever takes it over
with a hostile file has the rights that `confinement` leaves, and the words of `faults`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # -I leaves out everything but the installed packages

from libraries.imaging import confinement  # noqa: E402
from libraries.imaging.faults import Fault, Refused  # noqa: E402
from libraries.imaging.formats import HEAD_BYTES, Format, format_of  # noqa: E402
from libraries.imaging.limits import Limits  # noqa: E402

_MEMORY_WORDS = ("alloc", "memory")
Said = dict[str, Any]


def main(folder: str, parent: str, limits_text: str) -> None:
    """Decode the standard input; never raises, since nobody would read it."""
    tell = _telling()
    try:
        limits = Limits(**json.loads(limits_text))
        confinement.of_process(int(parent), limits)
        output = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with open(0, "rb", buffering=1024 * 1024) as source:
            for said in _pictures(source, output, limits):
                tell(said)
    except Refused as error:
        tell({"fault": error.fault, "numbers": error.numbers})
    except MemoryError:
        tell({"fault": Fault.MEMORY})
    except Exception as error:  # decoders raise errors of all kinds when a file is broken
        is_memory = any(word in str(error).lower() for word in _MEMORY_WORDS)
        cause = f"{type(error).__name__}: {error}"[:500]
        tell({"fault": Fault.MEMORY if is_memory else Fault.BROKEN, "cause": cause})


def _telling() -> Any:
    """What writes a line for the parent: to a copy of the standard output, to which no library can write."""
    line = os.dup(1)
    os.set_inheritable(line, False)
    os.dup2(2, 1)

    def tell(said: Said) -> None:
        os.write(line, json.dumps(said).encode() + b"\n")

    return tell


def _pictures(source: IO[bytes], folder: int, limits: Limits) -> Iterator[Said]:
    """What is said of each picture in the file, when it is written."""
    kind = format_of(source.read(HEAD_BYTES))
    source.seek(0)
    return _pages(source, folder, limits) if kind is Format.PDF else _image(kind, source, folder, limits)


def _pages(source: IO[bytes], folder: int, limits: Limits) -> Iterator[Said]:
    """The same for a PDF."""
    from libraries.imaging import pages
    from libraries.imaging.output import Output

    confinement.of_decoder(folder, limits, may_have_threads=False)
    confinement.more_time(limits.cpu_seconds)
    document = pages.opened(source, limits)
    count = len(document)
    for done, said in enumerate(pages.convert(document, Output(folder)), start=1):
        yield {"done": done, "of": count, **said}
        confinement.more_time(limits.cpu_seconds)


def _image(kind: Format, source: IO[bytes], folder: int, limits: Limits) -> Iterator[Said]:
    """The same for any other format."""
    from libraries.imaging import animations, stills
    from libraries.imaging.output import Output

    decoder = stills.prepare(kind, limits)
    confinement.of_decoder(folder, limits, may_have_threads=kind is Format.HEIF)
    confinement.more_time(limits.cpu_seconds)
    image = stills.opened(decoder, source, limits)
    frames = animations.frames_of(image, kind, limits)
    out = Output(folder)
    if frames > 1:
        confinement.more_time(limits.animation_cpu_seconds)
        said = animations.convert(image, kind, frames, out, limits)
    else:
        said = stills.convert(image, kind, out, limits)
    yield {"done": 1, "of": 1, **said}


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # nothing that a decoder left to be done at the end is done
