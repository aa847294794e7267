"""Looks for inputs that a client may send and that harm the server: wrong, expensive or endless answers.

`python -m fuzz` runs it, for two minutes by default. Its parts: `rest` (the whole OpenAPI document with every role),
`protocol` (messages and raw octets against both servers), `cost` (the CPU time of the functions that read input) and
`flood` (memory and threads while one client sends as fast as it can). It may import `testing`, and the raw client of
`realtime.server.tests`, as tests may; the product never imports it.
"""
