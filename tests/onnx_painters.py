"""Painters as ONNX files, made by code: they fill a hole with the mean of what is around it."""

from dataclasses import dataclass

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs ONNX: pip install 'vrestore[dev]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'vrestore[onnx]'")

TYPES = {"float": onnx.TensorProto.FLOAT, "uint8": onnx.TensorProto.UINT8}


@dataclass(frozen=True)
class Spoken:
    """How a network is spoken to: `white` going in and coming out, `hole` and `rest` in its mask."""

    type: str = "float"
    white: tuple[int, int] = (1, 255)
    hole: int = 1
    rest: int = 0
    size: tuple = (64, 64)
    names: tuple[str, str, str] = ("image", "mask", "output")

    @property
    def convention(self):
        return (*self.white, self.hole, self.rest)


LAMA = Spoken()
MIGAN = Spoken("uint8", (255, 255), 0, 255, ("height", "width"), ("image", "mask", "result"))


def write_painter(path, spoken=LAMA, *, tint=1.0, light=1.0, nodes=None, channels=(3, 1), output_channels=3):
    """Write a network that fills the hole with the mean of the rest, `tint` times as bright.

    All of its output is `light` times as bright. As that of a real one, what it paints is never more than
    what it takes for white. `nodes` are those of another network.
    """
    kind, (white, white_out) = TYPES[spoken.type], spoken.white
    numbers = {
        "axes": np.array([2, 3], np.int64),
        "rest": np.float32(spoken.rest),
        "span": np.float32(spoken.hole - spoken.rest),
        "one": np.float32(1),
        "white": np.float32(white),
        "least": np.float32(1e-6),
        "tint": np.float32(tint),
        "gain": np.float32(light * white_out / white),
    }
    image, mask, output = spoken.names
    node = onnx.helper.make_node
    painting = [
        node("Cast", [image], ["x"], to=TYPES["float"]),
        node("Cast", [mask], ["m"], to=TYPES["float"]),
        node("Sub", ["m", "rest"], ["above"]),
        node("Div", ["above", "span"], ["hole"]),
        node("Sub", ["one", "hole"], ["known"]),
        node("Mul", ["x", "known"], ["kept"]),
        node("ReduceSum", ["kept", "axes"], ["sum"]),
        node("ReduceSum", ["known", "axes"], ["count"]),
        node("Max", ["count", "least"], ["some"]),
        node("Div", ["sum", "some"], ["mean"]),
        node("Mul", ["mean", "tint"], ["tinted"]),
        node("Min", ["tinted", "white"], ["made"]),
        node("Mul", ["made", "hole"], ["painted"]),
        node("Add", ["kept", "painted"], ["whole"]),
        node("Mul", ["whole", "gain"], ["scaled"]),
        node("Cast", ["scaled"], [output], to=kind),
    ]
    info = onnx.helper.make_tensor_value_info
    given = [
        info(name, kind, [1, count, *spoken.size])
        for name, count in zip((image, mask), channels, strict=False)
    ]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in numbers.items()]
    graph = onnx.helper.make_graph(
        painting if nodes is None else nodes,
        "painter",
        given,
        [info(output, kind, [1, output_channels, *spoken.size])],
        constants,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
