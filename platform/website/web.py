"""The web server, on a socket that the supervisor opened: `python -m website.web FD`."""

import os
import socket
import sys

import uvicorn

# Open sockets (progress feeds) would otherwise keep the server from ever going down.
GRACEFUL_SHUTDOWN_SECONDS = 2


def main(descriptor: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")
    config = uvicorn.Config(
        "website.asgi:application",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        lifespan="off",
        log_config=None,  # Django's logging has the floor
        access_log=False,  # the request middleware writes those lines, with the request's id
        server_header=False,
        proxy_headers=False,
        ws_max_size=64 * 1024,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
