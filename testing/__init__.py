"""Real parts for tests, chaos runs and measurements: processes, stores, sockets, people.

The running product imports nothing from here. Everything is started on 127.0.0.1, in temporary folders, with a
deadline, and is ended by its process id.
"""
