"""Torch7's files (``.t7``) without Torch7, and without running what they carry."""

from phr_mmpose.utils.torch7.objects import (
    BooleanKey,
    LuaFunction,
    Table,
    TableList,
    TensorKey,
    TorchObject,
)
from phr_mmpose.utils.torch7.reader import load

__all__ = [
    'BooleanKey',
    'LuaFunction',
    'Table',
    'TableList',
    'TensorKey',
    'TorchObject',
    'load',
]
