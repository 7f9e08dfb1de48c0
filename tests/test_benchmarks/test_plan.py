import pytest

from benchmarks.plan import all_cases, choose, rounds, sizes_for
from benchmarks.ratios import RATIOS
from phr_mmpose.utils.errors import UserError


@pytest.fixture(
    params=[('cpu', True, False), ('cpu', False, True), ('cuda', False, True)]
)
def cases(request):
    device, quick, bf16 = request.param
    sizes = sizes_for(device, quick)
    return all_cases(device, sizes, 'photos', native_bf16=bf16)


def test_every_ratio_has_its_cases(cases):
    names = [case.name for case in cases]
    assert len(names) == len(set(names))
    for above, below in RATIOS.values():
        assert {above[0], below[0]} <= set(names)


def test_models_are_compared_at_the_same_batch(cases):
    for kind, key in (('train', 'batch'), ('test', 'batches'), ('memory', 'batch')):
        chosen = choose(cases, [f'{kind}/*'])
        assert len({str(case.options[key]) for case in chosen}) == 1


def test_cases_alternate_and_some_are_run_once(cases):
    chosen = choose(cases, ['loader/plain/lsp', 'accuracy/*'])
    order = [(number, case.name) for number, case in rounds(chosen, 3)]
    assert order == [
        (0, 'loader/plain/lsp'),
        (0, 'accuracy/phr_tiny_lsp'),
        (1, 'loader/plain/lsp'),
        (2, 'loader/plain/lsp'),
    ]


def test_emulated_bf16_is_measured_once_and_for_this_cascade_alone():
    sizes = sizes_for('cpu', False)
    cases = all_cases('cpu', sizes, 'photos', native_bf16=False)
    emulated = {c.name: c.once for c in cases if c.name.endswith('bf16')}
    assert emulated == {
        'train/phr_res152-joint/bf16': True,
        'test/phr_res152/bf16': True,
    }


def test_patterns_choose_and_unknown_ones_are_named(cases):
    names = [case.name for case in choose(cases, ['loader/*/lsp'])]
    assert names == [f'loader/{way}/lsp' for way in ('stock', 'plain', 'cropped')]
    with pytest.raises(UserError, match='--cases nothing/at/all: fits none of'):
        choose(cases, ['nothing/at/all'])
