"""The permissions as tables: every route of REST and of the admin, and every message, for every kind of person.

`people` has the columns, `tables` the rows. To add a kind of person, add a maker to `people.MAKERS` and a column to
each table.
"""
