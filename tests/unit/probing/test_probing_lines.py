"""Lines of a stream: as many as asked for, none longer than allowed, however the bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_netconn.probing.streams import Stream


class Chunks(Stream):
    """A peer that sends these chunks and ends; it counts what was taken."""

    def __init__(self, chunks):
        self.chunks = list(chunks)
        self.taken = 0

    async def send(self, data):
        raise AssertionError("nothing is sent")

    async def receive(self, limit=0):
        self.taken += 1
        return self.chunks.pop(0) if self.chunks else b""

    def close(self):
        pass


async def lines(chunks, limit=100, max_length=8):
    return [line async for line in Chunks(chunks).lines(limit, max_length)]


@pytest.mark.parametrize(
    ("chunks", "seen"),
    [
        ([], []),
        ([b"a\r\nb\n"], [b"a", b"b"]),
        ([b"a\r", b"\nb"], [b"a", b"b"]),
        ([b"\n\n"], [b"", b""]),
        ([b"a", b"b", b"c"], [b"abc"]),
        ([b"a\r"], [b"a\r"]),
        ([b"12345678\nx\n"], [b"12345678", b"x"]),
        ([b"1234567890\nx\n"], [b"12345678", b"x"]),
        ([b"1234567890", b"12\nx\n"], [b"12345678", b"x"]),
        ([b"1234567890"], [b"12345678"]),
    ],
)
async def test_lines_end_at_line_feeds_and_are_cut(chunks, seen):
    assert await lines(chunks) == seen


async def test_no_more_lines_come_than_asked_for():
    assert await lines([b"a\nb\nc\nd\n"], limit=2) == [b"a", b"b"]


async def test_an_endless_line_is_given_at_its_limit_and_not_kept():
    stream = Chunks([b"x" * 9] * 1000)
    assert [line async for line in stream.lines(1, 8)] == [b"x" * 8]
    assert stream.taken == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r", b"\r\n", b"x" * 20]), max_size=12), st.integers(1, 30))
async def test_how_the_bytes_are_cut_into_packets_does_not_matter(parts, size):
    data = b"".join(parts)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert await lines(chunks) == await lines([data] if data else [])
