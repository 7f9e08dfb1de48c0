import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.engine.budget import check_budget, fit_stages, images_in
from phr_mmpose.engine.stages import StageSchedule
from phr_mmpose.utils.errors import UserError


def stage(name, epochs, lr=1e-3):
    return dict(name=name, trains=['detector'], epochs=epochs, lr=lr)


def test_stages_keep_their_shares():
    curve = dict(policy='cosine', start=1e-3, end=1e-4, warmup=200)
    stages = [stage('a', 14, curve), stage('b', 3), stage('c', 6, [(0, 1.0), (4, 0.5)])]
    fitted, length = fit_stages(stages, images=23_000, batch_size=10, samples=1005)
    # A hundredth, in whole batches; then 14,000, 3,000 and 6,000 images.
    assert length == 230
    assert [each['epochs'] for each in fitted] == [61, 13, 26]
    # 61 x 23 iterations in place of 14 x 101.
    assert fitted[0]['lr'] == dict(curve, warmup=198)
    assert fitted[1]['lr'] == 1e-3
    assert fitted[2]['lr'] == [(0, 1.0), (17, 0.5)]
    assert curve['warmup'] == 200 and stages[0]['epochs'] == 14
    assert [each['trains'] for each in fitted] == [['detector']] * 3


def test_steps_that_fall_together_leave_the_last():
    steps = [(0, 1.0), (1, 0.5), (2, 0.1), (90, 0.01)]
    fitted, _ = fit_stages([stage('a', 1000, steps)], 100, 10, 100)
    assert fitted[0]['epochs'] == 10
    assert fitted[0]['lr'] == [(0, 0.1), (1, 0.01)]


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.integers(200, 10**6),
    st.integers(1, 50),
)
def test_any_budget_is_met_to_some_batches(epochs, images, batch_size):
    stages = [stage(f's{i}', number) for i, number in enumerate(epochs)]
    fitted, length = fit_stages(stages, images, batch_size, 1000)
    assert length % batch_size == 0
    for each, number in zip(fitted, epochs, strict=True):
        share = images * number / sum(epochs)
        assert abs(each['epochs'] * length - share) <= length
    assert StageSchedule(fitted).epochs <= 210


def test_minutes_pay_for_images_by_the_mean_of_their_costs():
    stages = [stage('a', 2), stage('b', 1), stage('c', 1)]
    # Of four images two cost 1 s, one 2 s and one 4 s: 8 s.
    assert images_in(16, stages, [1, 2, 4]) == 8
    assert images_in(16, stages[:1], [2]) == 8


def test_budgets_of_nothing_get_one_line():
    with pytest.raises(UserError, match='20 images is less than a batch of 8 for each'):
        fit_stages([stage('a', 1), stage('b', 1), stage('c', 1)], 20, 8, 100)
    for minutes in (0, -1, float('nan'), float('inf')):
        with pytest.raises(UserError, match=r'--minutes .*: give a positive'):
            check_budget(minutes, None)
    with pytest.raises(UserError, match='--images 0: give a positive'):
        check_budget(None, 0)
