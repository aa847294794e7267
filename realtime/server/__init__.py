"""The servers: uvicorn for people (`manage.py serve`), Daphne for development (`manage.py runserver`).

Each subclasses its server's WebSocket protocol where that falls short of the contract. No rule of the contract is
decided here.
"""

from realtime.server.process.run import CannotListen as CannotListen
from realtime.server.process.run import Place as Place
from realtime.server.process.run import config as config
from realtime.server.process.run import serve as serve
from realtime.server.process.supervisor import Supervisor as Supervisor
