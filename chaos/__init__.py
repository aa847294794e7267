"""Breaks a running Portal on purpose, and checks whether its promises (docs/protocol.md, section 5) still hold.

`python -m chaos` runs it: real processes on real stores, clients that reconnect like real ones, one fault after the
other. It may import `testing`, as tests may; the product never imports it.
"""
