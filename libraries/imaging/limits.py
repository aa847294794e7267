"""The limits of what is decoded. `docs/security.md` prints them."""

MAX_PIXELS = 50_000_000
"""Of one picture, or one frame."""
MAX_FRAMES = 500
MAX_ANIMATION_PIXELS = 400_000_000
"""Of all frames together."""
MAX_PAGES = 200
LONGEST_SIDE = 4096
"""In pixels: a larger picture is made smaller."""
PAGE_SIDE = 2048
"""The longest side of a rendered page, in pixels."""
PICTURE_SECONDS = 20
"""Of processor time, for a picture or a page."""
ANIMATION_SECONDS = 120
"""Of processor time, for an animation."""
SILENT_SECONDS = 180.0
"""Of real time until the first picture, and from one to the next: the process runs only when nobody else wants to."""
FILE_SECONDS = 600.0
"""Of real time, for all pictures of a file."""
MEMORY_BYTES = 1_073_741_824
"""Address space of the process."""
OUTPUT_BYTES = 134_217_728
"""Of one file that the process writes."""
OPEN_FILES = 64
MAX_PNG_BYTES = 2_097_152
"""A longer PNG becomes a WebP."""
MAX_PAGE_PNG_BYTES = 1_048_576
"""A page whose PNG is longer becomes a JPEG."""
