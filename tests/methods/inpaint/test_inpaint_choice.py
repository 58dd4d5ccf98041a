"""Which networks a run works with, and how a worker hears of them."""

import json

import pytest

from vrestore.methods.inpaint.network.choice import Networks, networks_again
from vrestore.methods.inpaint.settings import NetworkSettings, PainterSettings

REFINER = NetworkSettings("tsam.safetensors", 2, "fp32")
PAINTER = PainterSettings("own.onnx", "ab12", threads=3)


@pytest.mark.parametrize(
    "networks", [Networks(), Networks(refiner=REFINER), Networks(painter=PAINTER)], ids=["no", "tsam", "own"]
)
def test_a_worker_has_the_same_networks_on_a_device_of_its_own(networks):
    told = json.loads(json.dumps(networks.described()))
    assert networks_again(told, device="cpu") == networks
    again = networks_again(told, device="cuda:1")
    assert [each.device for each in (again.refiner, again.painter) if each] == ["cuda:1"] * (
        networks != Networks()
    )


def test_a_painter_counts_by_its_hash_and_not_by_where_it_lies_or_works():
    assert Networks(painter=PAINTER).settings() == {"painter": {"sha256": "ab12"}}
    assert Networks(painter=PAINTER).lines() == ["painter own.onnx on cpu"]
