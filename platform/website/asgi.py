import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")
# Loads the apps: consumers import models, so nothing of theirs may be imported before this line.
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from .sockets import websocket_application  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": websocket_application()})
