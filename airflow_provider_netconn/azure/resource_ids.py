"""Ids of resources in Resource Manager: taken apart, put together, compared as Azure compares them: without case."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_netconn.errors import InvalidOptionError


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The id of a resource, group or subscription.

    :param text: the id as it was written, with one slash in front and none behind
    :param subscription_id: empty for what lies in no subscription
    :param resource_group: empty for what lies in no group
    :param namespace: of its provider, such as ``Microsoft.Network``; empty for a group or subscription
    :param types: ``("virtualNetworks", "subnets")``
    :param names: one for each type
    :param parent: the id that it is nested in; empty for a subscription
    """

    text: str
    subscription_id: str
    resource_group: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    parent: str

    @classmethod
    def parse(cls, text: str, field: str = "resource id") -> ResourceId:
        """Take an id apart.

        :param field: what the author of a wrong one calls it
        :raises InvalidOptionError: it is no id
        """
        cleaned = "/" + text.strip().strip("/")
        before, provided, behind = cleaned.rpartition("/providers/")
        scope = (before if provided else cleaned).split("/")[1:]
        parts = behind.split("/") if provided else []
        pairs_fit = len(parts) % 2 == 1 and len(parts) > 1 if provided else scope[0].casefold() == "subscriptions"
        if not all(scope if not provided else [*parts]) or not pairs_fit or any(sign in text for sign in "?#% \n"):
            raise InvalidOptionError(field, f"{text!r} is no resource id", "write /subscriptions/ID/resourceGroups/...")
        found = {key.casefold(): value for key, value in zip(scope[::2], scope[1::2], strict=False)}
        return cls(
            text=cleaned,
            subscription_id=found.get("subscriptions", ""),
            resource_group=found.get("resourcegroups", ""),
            namespace=parts[0] if parts else "",
            types=tuple(parts[1::2]),
            names=tuple(parts[2::2]),
            parent=_parent(before, parts, cleaned),
        )

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1] if self.names else self.text.rpartition("/")[2]

    @property
    def type(self) -> str:
        """Such as ``Microsoft.Network/virtualNetworks/subnets``; empty for a group or subscription."""
        return "/".join((self.namespace, *self.types)) if self.namespace else ""

    @property
    def key(self) -> str:
        """The same for all spellings of one id."""
        return self.text.casefold()

    def __str__(self) -> str:
        return self.text


def same_id(one: str | None, other: str | None) -> bool:
    """:return: whether both are ids, and of one resource: Azure changes their case, upper and lower"""
    return bool(one and other) and _key(str(one)) == _key(str(other))


def _key(text: str) -> str:
    return text.strip().strip("/").casefold()


def _parent(before: str, parts: list[str], text: str) -> str:
    if not parts:
        return text.rpartition("/")[0].rpartition("/")[0]
    if len(parts) > 3:  # noqa: PLR2004 - a namespace, a type, a name, and more below them
        return f"{before}/providers/{'/'.join(parts[:-2])}"
    return before
