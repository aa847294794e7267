"""The ASGI application: Django answers http, behind `portal.admission`; `realtime` answers websocket.

What runs it does not belong here, but in `realtime.server`.
"""

import os

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_http = get_asgi_application()  # loads the apps, which the next import needs

from libraries.live import answer_with  # noqa: E402
from portal.admission import Admission  # noqa: E402
from portal.base_path import BasePath  # noqa: E402
from portal.health import examine  # noqa: E402
from portal.images.serving import Serving  # noqa: E402
from portal.images.uploads import Uploads  # noqa: E402
from realtime.hub.hub import ask_hub  # noqa: E402
from realtime.server.metrics.gauges import check_with, full_report  # noqa: E402
from realtime.server.metrics.page import Metrics, read_from  # noqa: E402
from realtime.sessions.routing import application as _websocket  # noqa: E402

answer_with(ask_hub)
check_with(examine)
read_from(full_report)
_site = ProtocolTypeRouter({"http": Serving(Uploads(Admission(_http))), "websocket": _websocket})
application = BasePath(Metrics(_site), settings.PORTAL_BASE_PATH)
