"""Clients in a clean lab."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.lab.sdk.clients import GROUP, REGION, Sdk


@pytest.fixture(params=["sync", "async"])
async def sdk(request, azure_lab):
    """The clients in a clean lab, which has a resource group for them."""
    azure_lab.put(f"/subscriptions/{azure_lab.subscription_id}/resourceGroups/{GROUP}", {"location": REGION})
    async with AsyncExitStack() as stack:
        yield Sdk(azure_lab, request.param, stack)


@pytest.fixture
def small_pages(azure_lab):
    """Lists come in pages of two."""
    plane = azure_lab.local.plane
    before, plane.page_size = plane.page_size, 2
    yield
    plane.page_size = before
