"""Attacks on a running Portal with its default limits, and their effect on another tenant.

`rows` has the attacks, `engine` sends them, `probe` is the other tenant, `stage` the server, `run` a run of one row and
`verdict` the promises.
"""
