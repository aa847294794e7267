"""Attacks on a running Portal with its default limits, and what they cost people who have nothing to do with them.

`rows` has the attacks, `engine` what sends them, `probe` the other tenant, `stage` the server, `run` a run of one row
and `verdict` what is promised.
"""
