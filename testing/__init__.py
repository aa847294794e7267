"""Real parts for tests, chaos runs and measurements: processes, stores, sockets, people.

Nothing here is imported by the running product. Everything is started on 127.0.0.1, in temporary folders,
with a deadline, and is ended by its process id.
"""
