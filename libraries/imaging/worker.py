"""The process that decodes. It is started as a file, with the project's root and an empty folder as its arguments.

The file to decode is its standard input, and each line of its standard output is a JSON object: the number of pictures,
each picture, or the reason of a refusal. Before it looks at the file it gives up what it does not need: memory, time,
the network, and rights. Whatever it says is checked by `libraries.imaging.process`, as a decoder may have been taken
over by then.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_NICE = 15


def give_up(parent: int) -> None:
    """Keep only what decoding needs (prctl(2), unshare(2), setrlimit(2)); what this kernel cannot do is left out."""
    os.umask(0o077)
    os.nice(_NICE)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0)
        libc.unshare(_NEW_USER | _NEW_NETWORK)
    if os.getppid() != parent:  # it ended in between
        sys.exit(1)
    from libraries.imaging import limits

    for kind, most in (
        (resource.RLIMIT_AS, limits.MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, limits.OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, limits.OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def say(value: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main(root: str, folder: str, parent: str) -> None:
    """Decode standard input."""
    sys.path.insert(0, root)
    give_up(int(parent))
    from libraries.imaging.convert import BROKEN, convert
    from libraries.imaging.kinds import Refused

    try:
        convert(sys.stdin.buffer, Path(folder), say)
    except Refused as refusal:
        say({"refused": str(refusal)})
    except MemoryError:
        say({"refused": "The picture needs too much memory: make it smaller."})
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            say({"full": True})
        elif error.errno == errno.EFBIG:
            say({"refused": "The picture would be too long: make it smaller."})
        else:
            say({"refused": BROKEN})
    except Exception:  # whatever decoders raise for a broken file: there is no list
        say({"refused": BROKEN})


if __name__ == "__main__":
    main(*sys.argv[1:])
