import pytest
import redis
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.testing import WebsocketCommunicator

from website.sockets import SameOrigin, StoreAway, websocket_application


class WhoAmI(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.send_json({"user": self.scope["user"].username})


application = SameOrigin(AuthMiddlewareStack(WhoAmI.as_asgi()))


def communicator(client=None, **headers):
    given = {"host": "testserver", **headers}
    if client is not None:
        given["cookie"] = f"sessionid={client.cookies['sessionid'].value}"
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    return WebsocketCommunicator(application, "/", headers=pairs)


async def answer(socket):
    connected, _ = await socket.connect()
    user = (await socket.receive_json_from())["user"] if connected else None
    await socket.disconnect()
    return connected, user


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://testserver.evil.example",
        "http://testserver:3000",
        "null",
        "",
    ],
)
async def test_a_socket_from_another_origin_is_refused(api_client, origin):
    assert await answer(communicator(api_client, origin=origin)) == (False, None)


@pytest.mark.django_db(transaction=True)
async def test_a_socket_of_our_own_page_knows_who_it_is(api_client):
    assert await answer(communicator(api_client, origin="http://testserver")) == (True, "anna")


@pytest.mark.django_db(transaction=True)
async def test_a_trusted_origin_may_connect(api_client, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]

    assert await answer(communicator(api_client, origin="https://app.example")) == (True, "anna")


@pytest.mark.django_db(transaction=True)
async def test_a_socket_without_an_origin_is_nobody_even_with_a_cookie(api_client):
    assert await answer(communicator(api_client)) == (True, "")


@pytest.mark.django_db(transaction=True)
async def test_a_host_that_is_not_ours_makes_no_origin_ours(api_client):
    """DNS rebinding: the page's own host, but a name we never answer to."""
    assert await answer(communicator(api_client, host="evil.example", origin="http://evil.example")) == (False, None)


async def test_an_address_where_nobody_listens_is_a_refusal():
    site = websocket_application()

    socket = WebsocketCommunicator(site, "/ws/nowhere/", headers=[(b"host", b"testserver")])

    assert (await socket.connect())[0] is False


class WithoutStore(AsyncJsonWebsocketConsumer):
    """Speaks to a store that is away: before it lets the page in, or after."""

    async def connect(self):
        if self.scope["path"] == "/after":
            await self.accept()
        raise redis.ConnectionError("connection refused")


@pytest.mark.parametrize(("path", "was_let_in"), [("/before", False), ("/after", True)])
async def test_a_store_that_is_away_closes_the_socket_in_one_line(caplog, path, was_let_in):
    socket = WebsocketCommunicator(StoreAway(WithoutStore.as_asgi()), path)

    connected, code = await socket.connect()

    assert connected is was_let_in
    assert (await socket.receive_output() if was_let_in else {"code": code})["code"] == 1013
    assert "does not answer: connection refused" in caplog.text
    assert "Traceback" not in caplog.text
