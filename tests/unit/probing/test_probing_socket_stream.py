"""A stream over a socket: gives what is asked for and no more, and leaves nothing with the loop."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from airflow_provider_netconn.probing.streams import SocketStream


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = SocketStream(ours)
    yield stream, theirs
    stream.close()
    theirs.close()


async def test_no_byte_more_is_taken_than_asked_for(pair):
    stream, theirs = pair
    theirs.sendall(b"abcdef")
    assert await stream.receive(1) == b"a"
    await asyncio.sleep(0.01)  # the loop hears of the rest while nobody waits for it
    assert await stream.receive(2) == b"bc"
    assert await stream.exactly(3) == b"def"
    assert stream.heard == b"abcdef"


async def test_what_comes_after_waiting_was_given_up_is_there_for_the_next(pair):
    stream, theirs = pair
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await stream.receive()
    theirs.sendall(b"late")
    await asyncio.sleep(0.01)
    assert await stream.receive() == b"late"


async def test_the_end_is_told_as_often_as_it_is_asked_for(pair):
    stream, theirs = pair
    theirs.close()
    assert [await stream.receive(), await stream.receive()] == [b"", b""]


async def test_more_than_the_peer_takes_at_once_is_sent_as_it_takes_it(pair):
    stream, theirs = pair
    much = bytes(range(256)) * 8000
    sending = asyncio.create_task(stream.send(much))
    theirs.setblocking(False)
    taken, loop = bytearray(), asyncio.get_running_loop()
    while len(taken) < len(much):
        taken += await loop.sock_recv(theirs, 1 << 20)
    await sending
    assert taken == much


async def test_what_the_peer_said_before_a_reset_is_received_before_the_reset():
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        ours.setblocking(False)
        stream = SocketStream(ours)
        waiting = asyncio.create_task(stream.receive(3))
        await asyncio.sleep(0)
        theirs.sendall(b"abcdef")
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        async with asyncio.timeout(5):
            assert [await waiting, await stream.receive()] == [b"abc", b"def"]
            with pytest.raises(ConnectionResetError):
                await stream.receive()
        stream.close()


async def test_a_peer_that_goes_on_talking_leaves_the_loop_to_others(pair):
    stream, theirs = pair
    theirs.sendall(b"abc")
    turns = []

    async def other():
        while True:
            turns.append(len(turns))
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    assert await stream.exactly(1) == b"a"
    before = len(turns)
    assert [await stream.receive(1), await stream.receive(1)] == [b"b", b"c"]
    assert len(turns) >= before + 2
    others.cancel()


async def test_a_reset_is_an_error_and_a_closed_socket_is_watched_no_more():
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        ours.setblocking(False)
        stream = SocketStream(ours)
        waiting = asyncio.create_task(stream.receive())
        await asyncio.sleep(0)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        with pytest.raises(ConnectionResetError):
            await waiting
        number = ours.fileno()
        stream.close()
    assert not asyncio.get_running_loop().remove_reader(number)
