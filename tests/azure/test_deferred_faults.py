"""Operations that fail or go on while each operator waits in the triggerer, where nobody follows them."""

from __future__ import annotations

import time

import pytest

from airflow_provider_netconn.errors import AzureDeadlineExceededError, AzureOperationFailedError
from tests.azure.fault_stories import STORIES, Stage
from tests.azure.tasks import run_to_the_end, signed_in  # noqa: F401 - a fixture
from tests.azure.test_operator_faults import AT_ONCE_DONE

pytestmark = pytest.mark.usefixtures("signed_in")
WITH_OPERATIONS = [story for story in STORIES if story not in AT_ONCE_DONE]
TIMEOUT_S = 30


@pytest.fixture(params=[0, 0.05], ids=["at once", "later"])
def time_scale(request):
    """Whether operations end before the task looks again, or in the triggerer."""
    return request.param


@pytest.fixture
def play(azure_lab, time_scale):
    """Runs a story whose writes begin operations that meet a fault; gives how it stands, and the faults."""

    def run(story, fault, *, times, timeout_s=TIMEOUT_S):
        scene = STORIES[story](Stage(azure_lab), "deferred")
        azure_lab.change_settings(time_scale=time_scale)
        methods = ("PUT", "PATCH", "DELETE")
        hits = [azure_lab.fault(fault, service="arm", method=method, times=times) for method in methods]
        run.applied = lambda: sum(hit.applied for hit in hits)
        run.scene = scene
        run_to_the_end(scene.task(timeout_s=timeout_s, deferrable=True))

    return run


@pytest.mark.parametrize("story", WITH_OPERATIONS)
def test_one_that_fails_once_is_done_once_more(play, story):
    play(story, "operation-fails:RetryableError", times=1)
    assert play.applied() == 1
    assert (play.scene.state(), play.scene.count() <= 1) == ("right", True)


@pytest.mark.parametrize("story", WITH_OPERATIONS)
def test_one_that_fails_again_ends_the_task_by_azures_own_reason(play, story):
    begun = time.monotonic()
    with pytest.raises(AzureOperationFailedError) as raised:
        play(story, "operation-fails:VnetAddressSpacesOverlap", times=1000)
    assert raised.value.code == "VnetAddressSpacesOverlap"
    assert play.applied() <= 4
    assert time.monotonic() - begun < TIMEOUT_S


@pytest.mark.parametrize("story", WITH_OPERATIONS)
@pytest.mark.parametrize("time_scale", [0])
def test_one_that_goes_on_ends_the_task_in_time_and_the_error_says_what_to_do(play, story):
    begun = time.monotonic()
    with pytest.raises(AzureDeadlineExceededError, match="a retry goes on where this ended; raise timeout_s"):
        play(story, "operation-never-ends", times=1000, timeout_s=3)
    assert time.monotonic() - begun < 3 + 10
