"""A painting process that does what the request says instead of painting: to see what the pool makes of it."""

import json
import os
import sys
import time
from multiprocessing.connection import Connection

from stylization.preview.worker import die_with_parent


def main(handle: int, parent: int) -> None:
    die_with_parent(parent)
    connection = Connection(handle)
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        time.sleep(request.get("seconds", 0))
        if request.get("die"):
            os._exit(3)
        if request.get("die_once") and not os.path.exists(request["die_once"]):  # noqa: PTH110
            with open(request["die_once"], "w"):  # noqa: PTH123
                os._exit(3)
        if request.get("refuse"):
            connection.send_bytes(b"0" + json.dumps({"code": "bad_recipe", "detail": "No such style."}).encode())
        else:
            connection.send_bytes(b"1" + f"{os.getpid()} {request['name']}".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
