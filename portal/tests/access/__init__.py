"""Who may do what, as tables: every route of REST and of the admin, and every message, for everybody there is.

`people` has the columns, `tables` the rows. To add somebody, add a maker to `people.MAKERS` and a column to each table.
"""
