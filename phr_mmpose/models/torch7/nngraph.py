"""Graphs of the package nngraph."""

from typing import Any

from phr_mmpose.models.torch7.fields import Fields, shown
from phr_mmpose.utils.torch7 import TorchObject


def read_graph(module: Fields) -> dict:
    """Describe an ``nn.gModule``.

    Which node's value goes where is in ``mapindex``: a node's gives, for the
    ``data`` of each node that it reads, the place of that value in its table of
    inputs.

    Args:
        module (Fields): Its fields.

    Returns:
        dict: See :class:`phr_mmpose.models.torch7.layers.GraphModule`.

    Raises:
        UserError: If it is no graph that runs from its one input to its outputs.
    """
    nodes = module.item.get('forwardnodes')
    out = module.item.get('outnode')
    if not isinstance(nodes, list) or not isinstance(out, TorchObject):
        raise module.fault('has no forwardnodes or outnode')
    numbers: dict[int, int] = {}
    inputs: list[dict[int, int]] = [{} for _ in nodes]
    data = [_node_data(module, node) for node in nodes]
    for number, content in enumerate(data):
        numbers[id(content)] = number
    for number, (node, content) in enumerate(zip(nodes, data, strict=True)):
        for child in _node_children(module, node):
            target = _node_data(module, child)
            reader = numbers.get(id(target))
            slots = target.get('mapindex')
            slot = slots.get(content) if isinstance(slots, dict) else None
            if reader is None or not isinstance(slot, int) or slot < 1:
                raise module.fault(f'forwardnodes[{number + 1}] leads nowhere')
            if reader <= number or slot in inputs[reader]:
                raise module.fault(f'forwardnodes[{reader + 1}] runs before its input')
            inputs[reader][slot] = number
    described = []
    for number, content in enumerate(data):
        places = sorted(inputs[number])
        if places != list(range(1, len(places) + 1)):
            raise module.fault(f'forwardnodes[{number + 1}] lacks an input')
        sources = [inputs[number][place] for place in places]
        if not sources:
            if number:
                raise module.fault(f'forwardnodes[{number + 1}] has no input')
            sources = [-1]
        select = content.get('selectindex')
        if select is not None and not (isinstance(select, int) and select > 0):
            raise module.fault(f'selectindex is {shown(select)}')
        inner = content.get('module')
        place = f'forwardnodes[{number + 1}].data.module'
        if module.depth:
            place = f'{module.place}.{place}'
        described.append(
            dict(
                module=None
                if inner is None
                else module.describer.add(inner, place, module.depth + 1),
                inputs=sources,
                select=select,
            )
        )
    last = numbers.get(id(_node_data(module, out)))
    if last is None:
        raise module.fault('its outnode is not among forwardnodes')
    return dict(type='GraphModule', nodes=described, outputs=[last])


def _node_data(module: Fields, node: Any) -> dict:
    data = node.get('data') if isinstance(node, TorchObject) else None
    if not isinstance(data, dict):
        raise module.fault('has a node without data')
    return data


def _node_children(module: Fields, node: TorchObject) -> list:
    """The nodes that read a node: its children 1, 2, …, kept with their places."""
    children = node.get('children')
    if isinstance(children, list):
        return children
    if not isinstance(children, dict):
        return []
    found = []
    while len(found) + 1 in children:
        found.append(children[len(found) + 1])
    return found
