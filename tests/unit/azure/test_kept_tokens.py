"""When a credential is asked for a token, and when the last one will do."""

from __future__ import annotations

import asyncio
import time

import pytest
from azure.core.credentials import AccessToken

from airflow_provider_netconn.azure.steps import GetToken
from airflow_provider_netconn.azure.tokens import AsyncTokenSource, TokenSource

DAY_S = 86_400


class Credential:
    """Numbers the credentials and the tokens: a token says which credential gave it."""

    made = 0

    def __init__(self, lifetime_s):
        type(self).made += 1
        self.number, self.given, self.lifetime_s = self.made, 0, lifetime_s

    def get_token(self, _scope, **asked):
        self.given += 1
        words = [f"{self.number}.{self.given}", *asked.values()]
        return AccessToken(" ".join(words), int(time.time()) + self.lifetime_s)

    def close(self):
        pass


class AsyncCredential(Credential):
    async def get_token(self, scope, **asked):
        return super().get_token(scope, **asked)

    async def close(self):
        pass


def without_a_loop(orders, lifetime_s):
    source = TokenSource(lambda: Credential(lifetime_s), "scope")
    return [source.get(order).token for order in orders]


def on_a_loop(orders, lifetime_s):
    async def ask():
        source = AsyncTokenSource(lambda: AsyncCredential(lifetime_s), "scope")
        return [(await source.get(order)).token for order in orders]

    return asyncio.run(ask())


@pytest.fixture(params=[without_a_loop, on_a_loop])
def given(request, monkeypatch):
    """Orders tokens of a new source, one after the other."""
    for kind in (Credential, AsyncCredential):
        monkeypatch.setattr(kind, "made", 0)
    return lambda *orders, lifetime_s=DAY_S: request.param(orders, lifetime_s)


def test_a_token_is_asked_for_once_for_each_tenant(given):
    other = GetToken(tenant_id="other")
    assert given(GetToken(), other, GetToken(), other) == ["1.1", "1.2 other", "1.1", "1.2 other"]


def test_one_that_is_about_to_expire_will_not_do(given):
    assert given(GetToken(), GetToken(), lifetime_s=240) == ["1.1", "1.2"]


def test_after_one_that_azure_refuses_all_are_asked_for_of_a_new_credential(given):
    other = GetToken(tenant_id="other")
    assert given(other, GetToken(), GetToken(refused="1.2"), other) == ["1.1 other", "1.2", "2.1", "2.2 other"]


def test_many_that_meet_the_same_refused_one_have_it_renewed_once(given):
    assert given(GetToken(), GetToken(refused="1.1"), GetToken(refused="1.1")) == ["1.1", "2.1", "2.1"]


def test_one_with_claims_is_asked_for_and_then_kept(given):
    assert given(GetToken(), GetToken(claims="mfa"), GetToken()) == ["1.1", "1.2 mfa", "1.2 mfa"]
