"""Looks for inputs that a client may send and the server should not mind: wrong answers, dear ones, endless ones.

`python -m fuzz` runs it, for two minutes unless told otherwise. Its parts: `rest` (the whole OpenAPI document with
every role), `protocol` (messages and raw octets against both servers), `cost` (the CPU that input takes in the
functions which read it) and `flood` (memory and threads while one client sends as fast as it can). It may import
`testing`, and the raw client of `realtime.server.tests`, as tests may; nothing of the product imports it.
"""
