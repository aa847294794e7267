"""The servers: uvicorn for people (`manage.py serve`), Daphne for development (`manage.py runserver`).

Each subclasses its server's WebSocket protocol where that falls short of the contract. No rule of the contract is
decided here.
"""

from realtime.server.run import config as config
