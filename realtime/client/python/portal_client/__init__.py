"""A client of Portal: `async with PortalClient(...) as portal: await portal.update_item("ogre", hp=12)`."""

from .backoff import Ending
from .client import Dial, PortalClient
from .credentials import Credential, GetCredential
from .errors import PortalError
from .events import Event
from .knowing import Status
from .presence import Presence
from .waiting import Stored

__all__ = [
    "Credential",
    "Dial",
    "Ending",
    "Event",
    "GetCredential",
    "PortalClient",
    "PortalError",
    "Presence",
    "Status",
    "Stored",
]
