"""The servers: uvicorn for production (`manage.py serve`), Daphne for development (`manage.py runserver`).

Each subclasses its server's WebSocket protocol where that does not meet our protocol. No rule of the protocol is
decided here.
"""

from realtime.server.process.run import CannotListen as CannotListen
from realtime.server.process.run import Place as Place
from realtime.server.process.run import config as config
from realtime.server.process.run import serve as serve
from realtime.server.process.supervisor import Supervisor as Supervisor
