"""Every cause of the catalogue is induced on real sockets, and seen named."""

from __future__ import annotations

import pytest

from airflow_provider_netconn.diagnosis import CAUSES
from tests.e2e.causes.scenes import SCENES


def test_every_cause_of_the_catalogue_has_a_scene():
    assert {scene.cause for scene in SCENES} == set(CAUSES)


def test_every_scene_has_a_name_of_its_own():
    assert len({(scene.cause, scene.name) for scene in SCENES}) == len(SCENES)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.cause}-{scene.name}")
def test_a_cause_is_induced_and_named(ground, scene):
    verdict = scene.play(ground)
    seen = (verdict.cause, verdict.path, verdict.outcome)
    assert seen == (scene.cause, scene.path, scene.outcome), verdict.evidence
    assert verdict.as_expected is CAUSES[scene.cause].warning
    said = [verdict.explanation, verdict.remedy, *verdict.evidence]
    assert all(said)
    assert not any("{" in line or "None" in line for line in said), said
