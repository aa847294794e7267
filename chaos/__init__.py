"""Breaks a running Portal on purpose, and counts what its promises (docs/protocol.md, section 5) are worth then.

`python -m chaos` runs it: real processes on real stores, clients that reconnect as real ones do, one fault after the
other. It may import `testing`, as tests may; nothing of the product imports it.
"""
