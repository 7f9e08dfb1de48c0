"""Torch7's modules that torch has none of: those of tables, and a few more.

A table is a Python list here. Indices and dimensions count from 1 as in Torch7,
negative ones from the end.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# What a container calls its children by: their number and the value.
Call = Callable[[int, Any], Any]


class Container(nn.Module):
    """A module of others, which are named by number.

    The graph owns them all in one list, since they may be shared.

    Args:
        children (Sequence[int]): Their numbers.
    """

    def __init__(self, children: Sequence[int]) -> None:
        super().__init__()
        self.numbers = tuple(children)

    def run(self, call: Call, value: Any) -> Any:
        """Run the children.

        Args:
            call (Call): Runs one of them.
            value: A tensor or a table.
        """
        raise NotImplementedError


class Sequential(Container):
    """``nn.Sequential``: one after the other."""

    def run(self, call: Call, value: Any) -> Any:
        """See :meth:`Container.run`."""
        for number in self.numbers:
            value = call(number, value)
        return value


class ConcatTable(Container):
    """``nn.ConcatTable``: each on the same value, to a table."""

    def run(self, call: Call, value: Any) -> Any:
        """See :meth:`Container.run`."""
        return [call(number, value) for number in self.numbers]


class ParallelTable(Container):
    """``nn.ParallelTable``: the i-th on the i-th value of a table."""

    def run(self, call: Call, value: Any) -> Any:
        """See :meth:`Container.run`."""
        pairs = zip(self.numbers, value, strict=False)
        return [call(number, each) for number, each in pairs]


class MapTable(Container):
    """``nn.MapTable``: one module on each value of a table."""

    def run(self, call: Call, value: Any) -> Any:
        """See :meth:`Container.run`."""
        return [call(self.numbers[0], each) for each in value]


class Concat(Container):
    """``nn.Concat``: each on the same value, joined along a dimension.

    Args:
        children (Sequence[int]): As for :class:`Container`.
        dimension (int): From 1, of a batch.
    """

    def __init__(self, children: Sequence[int], dimension: int) -> None:
        super().__init__(children)
        self.dimension = dimension

    def run(self, call: Call, value: Any) -> Any:
        """See :meth:`Container.run`."""
        parts = [call(number, value) for number in self.numbers]
        return torch.cat(parts, axis(self.dimension, parts[0]))


class GraphModule(Container):
    """``nn.gModule`` of nngraph: modules on the edges of a graph.

    Args:
        nodes (Sequence[dict]): In the order in which they run, each with
            ``module`` (a number, or None for the value as it is), ``inputs``
            (numbers of earlier nodes, -1 for the graph's input) and ``select``
            (a place in its table, from 1, or None).
        outputs (Sequence[int]): The nodes whose values are put out.
    """

    def __init__(self, nodes: Sequence[dict], outputs: Sequence[int]) -> None:
        super().__init__(
            [node['module'] for node in nodes if node['module'] is not None]
        )
        self.nodes = tuple(nodes)
        self.outputs = tuple(outputs)

    def run(self, call: Call, value: Any) -> Any:
        """See :meth:`Container.run`."""
        # The graph's input is the last, so that -1 is its index too.
        values = [None] * len(self.nodes) + [value]
        for number, node in enumerate(self.nodes):
            gathered = _one_or_table([values[source] for source in node['inputs']])
            if node['select'] is not None:
                gathered = gathered[node['select'] - 1]
            if node['module'] is not None:
                gathered = call(node['module'], gathered)
            values[number] = gathered
        return _one_or_table([values[number] for number in self.outputs])


def _one_or_table(values: list) -> Any:
    return values[0] if len(values) == 1 else values


class SumTable(nn.Module):
    """``nn.CAddTable``: the sum of a table's values."""

    def forward(self, values: list[Tensor]) -> Tensor:
        """Sum."""
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total


class DifferenceTable(nn.Module):
    """``nn.CSubTable``: the first of two values less the second."""

    def forward(self, values: list[Tensor]) -> Tensor:
        """Subtract."""
        return values[0] - values[1]


class ProductTable(nn.Module):
    """``nn.CMulTable``: the product of a table's values."""

    def forward(self, values: list[Tensor]) -> Tensor:
        """Multiply."""
        product = values[0]
        for value in values[1:]:
            product = product * value
        return product


class MaxTable(nn.Module):
    """``nn.CMaxTable``: the largest of a table's values, place by place."""

    def forward(self, values: list[Tensor]) -> Tensor:
        """Take the largest."""
        largest = values[0]
        for value in values[1:]:
            largest = torch.maximum(largest, value)
        return largest


class JoinTable(nn.Module):
    """``nn.JoinTable``: a table's values joined along a dimension.

    Args:
        dimension (int): From 1.
        input_dims (int, optional): Dimensions of one sample's values: values of
            one more are a batch, whose samples the dimension then is of.
    """

    def __init__(self, dimension: int, input_dims: int | None = None) -> None:
        super().__init__()
        self.dimension = dimension
        self.input_dims = input_dims

    def forward(self, values: list[Tensor]) -> Tensor:
        """Join."""
        return torch.cat(values, axis(self.dimension, values[0], self.input_dims))


class SplitTable(nn.Module):
    """``nn.SplitTable``: a tensor's slices along a dimension, as a table.

    Args:
        dimension (int): From 1.
        input_dims (int, optional): As for :class:`JoinTable`.
    """

    def __init__(self, dimension: int, input_dims: int | None = None) -> None:
        super().__init__()
        self.dimension = dimension
        self.input_dims = input_dims

    def forward(self, value: Tensor) -> list[Tensor]:
        """Split."""
        return list(value.unbind(axis(self.dimension, value, self.input_dims)))


class SelectTable(nn.Module):
    """``nn.SelectTable``: one value of a table.

    Args:
        index (int): From 1, or negative from the end.
    """

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, values: list) -> Any:
        """Select."""
        return values[self.index - 1 if self.index > 0 else self.index]


class NarrowTable(nn.Module):
    """``nn.NarrowTable``: some values of a table, as a table.

    Args:
        offset (int): The first, from 1.
        length (int): How many.
    """

    def __init__(self, offset: int, length: int) -> None:
        super().__init__()
        self.slice = slice(offset - 1, offset - 1 + length)

    def forward(self, values: list) -> list:
        """Narrow."""
        return values[self.slice]


class FlattenTable(nn.Module):
    """``nn.FlattenTable``: a table of tables to one table."""

    def forward(self, value: Any) -> list[Tensor]:
        """Flatten."""
        if isinstance(value, Tensor):
            return [value]
        return [tensor for each in value for tensor in self.forward(each)]


class Narrow(nn.Module):
    """``nn.Narrow``: part of a tensor along a dimension.

    Args:
        dimension (int): From 1.
        index (int): The first, from 1.
        length (int): How many; -1: to the end.
    """

    def __init__(self, dimension: int, index: int, length: int) -> None:
        super().__init__()
        self.dimension, self.index, self.length = dimension, index, length

    def forward(self, value: Tensor) -> Tensor:
        """Narrow."""
        dim = axis(self.dimension, value)
        start = self.index - 1 if self.index > 0 else value.shape[dim] + self.index
        length = self.length
        if length < 0:
            length = value.shape[dim] - start + length + 1
        return value.narrow(dim, start, length)


class View(nn.Module):
    """``nn.View``: each sample in another shape.

    Args:
        size (Sequence[int]): Of a sample; one may be -1.
        input_dims (int, optional): Dimensions of a sample's value. By default,
            and without -1, a value of more elements than ``size`` is a batch.
    """

    def __init__(self, size: Sequence[int], input_dims: int | None = None) -> None:
        super().__init__()
        self.size = tuple(size)
        self.input_dims = input_dims

    def forward(self, value: Tensor) -> Tensor:
        """Reshape."""
        dims = value.ndim if self.input_dims is None else self.input_dims
        batch = value.shape[: max(value.ndim - dims, 0)].numel()
        if -1 not in self.size:
            batch = value.numel() // math.prod(self.size)
        if batch == 1 and value.ndim <= dims:
            return value.reshape(self.size)
        return value.reshape(batch, *self.size)


class Reshape(nn.Module):
    """``nn.Reshape``: each sample, or a single one, in another shape.

    Args:
        size (Sequence[int]): Of a sample.
        is_batch (bool, optional): Whether values are batches. By default, unless
            they have just the elements of a sample and a first side above 1.
    """

    def __init__(self, size: Sequence[int], is_batch: bool | None = None) -> None:
        super().__init__()
        self.size = tuple(size)
        self.is_batch = is_batch

    def forward(self, value: Tensor) -> Tensor:
        """Reshape."""
        is_batch = self.is_batch
        if is_batch is None:
            single = value.numel() == math.prod(self.size) and value.shape[0] != 1
            is_batch = not single
        return value.reshape(*value.shape[:1] * is_batch, *self.size)


class FullConvolution(nn.ConvTranspose2d):
    """``nn.SpatialFullConvolution``, of a tensor or of a tensor and its model.

    Given a table of two, it makes the first as large as the second.
    """

    def forward(self, value: Tensor | list[Tensor]) -> Tensor:
        """Convolve."""
        if isinstance(value, Tensor):
            return super().forward(value)
        value, model = value
        extra = [
            (size + 2 * padding - kernel) % stride
            for size, padding, kernel, stride in zip(
                model.shape[-2:],
                self.padding,
                self.kernel_size,
                self.stride,
                strict=True,
            )
        ]
        return F.conv_transpose2d(
            value,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )


class BilinearUpSampling(nn.Module):
    """``nn.SpatialUpSamplingBilinear``: corners on corners.

    Args:
        scale (int): A side of n pixels becomes one of (n - 1) (scale - 1) + n.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, value: Tensor) -> Tensor:
        """Interpolate."""
        size = [(side - 1) * (self.scale - 1) + side for side in value.shape[-2:]]
        return F.interpolate(value, size=size, mode='bilinear', align_corners=True)


class AffineConstant(nn.Module):
    """``nn.MulConstant``, ``nn.AddConstant``, and dropouts that scale in the test.

    Args:
        factor (float): What is multiplied by. Defaults to 1.
        addend (float): What is added then. Defaults to 0.
    """

    def __init__(self, factor: float = 1.0, addend: float = 0.0) -> None:
        super().__init__()
        self.factor, self.addend = factor, addend

    def forward(self, value: Tensor) -> Tensor:
        """Multiply and add."""
        return value * self.factor + self.addend


def axis(dimension: int, value: Tensor, input_dims: int | None = None) -> int:
    """Turn Torch7's dimension into torch's.

    Args:
        dimension (int): From 1, or negative from the end.
        value (Tensor): What it is a dimension of.
        input_dims (int, optional): As for :class:`JoinTable`.
    """
    if dimension < 0:
        return value.ndim + dimension
    is_batch = input_dims is not None and value.ndim == input_dims + 1
    return dimension if is_batch else dimension - 1
