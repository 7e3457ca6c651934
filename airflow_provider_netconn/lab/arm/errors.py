"""What Resource Manager answers when it refuses: one exception, the envelope, and the refusals that every type shares.

Codes and wording as recorded from live traffic where it was recorded, else as documented on Microsoft Learn
("Troubleshoot common Azure deployment errors").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ArmError(Exception):
    """A refusal, with the status and body that the client gets.

    :param status: HTTP status
    :param code: Azure's error code
    :param message: Azure's message
    :param details: the nested ``error.details``, each with ``code`` and ``message``
    :param target: ``error.target``, where the service gives one
    :param enveloped: whether the body has the outer ``error``; record sets of private DNS answer 412 without it
    :param headers: further headers of the answer, such as ``WWW-Authenticate``
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: tuple[Mapping[str, Any], ...] | None = None,
        target: str | None = None,
        enveloped: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.target = target
        self.enveloped = enveloped
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        if self.details is not None:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error} if self.enveloped else error


def missing_api_version() -> ArmError:
    """Every request to Resource Manager says which version of the API it speaks."""
    return ArmError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def resource_not_found(type_name: str, name: str, group: str) -> ArmError:
    """A top-level resource, or the parent of a child that was asked for, does not exist."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{type_name}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def child_not_found(resource_id: str) -> ArmError:
    """The parent exists, the child does not: the resource provider itself answers."""
    return ArmError(404, "NotFound", f"Resource {resource_id} not found.", details=())


def parent_not_found(resource_type: str, parent: str, name: str) -> ArmError:
    """A write to a child whose parent does not exist."""
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{resource_type}/write' on resource '{name}', because the parent resource '{parent}' "
        "could not be found.",
    )


def group_not_found(group: str) -> ArmError:
    """The resource group does not exist."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def subscription_not_found(subscription: str) -> ArmError:
    """The subscription does not exist, or lies in a tenant that the caller's token is not for."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def invalid_request_content(message: str) -> ArmError:
    """Resource Manager itself could not read the request's body."""
    return ArmError(
        400,
        "InvalidRequestContent",
        f"The request content was invalid and could not be deserialized: '{message}'.",
    )


def precondition_failed(message: str = "Precondition failed.", *, enveloped: bool = True) -> ArmError:
    """``If-Match`` names another etag, or ``If-None-Match: *`` met an existing resource."""
    return ArmError(412, "PreconditionFailed", message, enveloped=enveloped)


def another_operation_in_progress(resource_id: str, operation_id: str) -> ArmError:
    """409: the resource, or what it hangs on, is being changed by another operation. To be tried again."""
    return ArmError(
        409,
        "AnotherOperationInProgress",
        f"Another operation on this or dependent resource is in progress. To retrieve status of the operation use "
        f"uri: {operation_id}. Resource: {resource_id}.",
        details=(),
    )


def referenced_resource_not_provisioned(referring: str, referenced: str) -> ArmError:
    """400: a resource that this one refers to is still being provisioned. To be tried again."""
    return ArmError(
        400,
        "ReferencedResourceNotProvisioned",
        f"Cannot proceed with operation because resource {referenced} used by resource {referring} is not in "
        "Succeeded state. Resource is in Updating state and the last operation that updated/is updating the resource "
        "is PutResourceOperation.",
        details=(),
    )


def method_not_allowed(method: str, resource_type: str) -> ArmError:
    """The type has no such verb."""
    return ArmError(
        405, "MethodNotAllowed", f"The HTTP method '{method}' is not supported for resource type '{resource_type}'."
    )
