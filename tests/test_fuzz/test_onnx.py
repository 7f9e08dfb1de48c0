"""Mutated ONNX files predict poses, or give a UserError."""

from pathlib import Path

import numpy as np
import pytest
from fuzzing import ODD_JSON, counts, json_text, mutated, mutated_bytes, survives

from phr_mmpose.apis.estimation import estimate_poses
from phr_mmpose.apis.pose_model import load_pose_model

onnx = pytest.importorskip('onnx', reason='needs the extra "onnx"')


def mutate(model, generator: np.random.Generator) -> None:
    """Change metadata, nodes, their attributes, shapes or weights."""
    way, graph = generator.integers(6), model.graph

    def one(items):
        return items[generator.integers(len(items))]

    if way == 0:
        entry = one(model.metadata_props)
        value = mutated([1, [2, 'a']], generator, ODD_JSON)
        entry.value = json_text(value, generator)
    elif way == 1:
        node = one(graph.node)
        node.op_type = one(graph.node).op_type
    elif way == 2:
        node = one([node for node in graph.node if node.attribute])
        attribute = one(node.attribute)
        number = int(generator.choice([0, -1, 2, 100, 2**31, 2**62, -(2**63)]))
        attribute.i = number
        if attribute.ints:
            attribute.ints[generator.integers(len(attribute.ints))] = number
        attribute.f = generator.choice([0, np.nan, np.inf, -1e30])
    elif way == 3:
        ends = one([*graph.input, *graph.output, *graph.value_info])
        shape = ends.type.tensor_type
        if shape.shape.dim and generator.random() < 0.7:
            one(shape.shape.dim).dim_value = int(one([0, 1, 7, 2**31, -1]))
        else:
            shape.elem_type = int(generator.integers(20))
    elif way == 4:
        weight = one(graph.initializer)
        if weight.dims and generator.random() < 0.5:
            weight.dims[0] = int(one([0, 1, 2**20, 2**40, -1]))
        elif len(weight.raw_data):
            weight.raw_data = mutated_bytes(weight.raw_data, generator)
    else:
        node = one(graph.node)
        if node.input:
            node.input[0] = one(graph.node).output[0]


@counts(15, 250)
def test_onnx_files(seeds, tmp_path, config, exported, photo):
    path = tmp_path / 'mutated.onnx'
    sound, content = onnx.load(exported), Path(exported).read_bytes()

    def case(generator):
        if generator.random() < 0.3:
            path.write_bytes(mutated_bytes(content, generator))
        else:
            model = onnx.ModelProto()
            model.CopyFrom(sound)
            for _ in range(generator.integers(1, 3)):
                mutate(model, generator)
            path.write_bytes(model.SerializeToString())
        model = load_pose_model(config, path)
        estimate_poses(model, photo, np.float32([[5, 5, 80, 90]]))

    survives(seeds, case)
