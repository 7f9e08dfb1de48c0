import pytest

from phr_mmpose.utils.errors import UserError

ONE = [dict(name='a', trains=['detector'], epochs=6, lr=1e-2)]


@pytest.mark.parametrize(
    'changes,named',
    [
        (dict(stages=[]), 'stages must be a list'),
        (dict(train_cfg__max_epochs=9), '9'),
        (dict(train_cfg=dict(by_epoch=False, max_iters=6)), 'by_epoch=True'),
        (dict(param_scheduler=[dict(type='MultiStepLR', milestones=[1])]), 'param_sch'),
        (dict(train_dataloader__batch_size=13, train_dataloader__drop_last=True), 'do'),
        (dict(model__head__refiner=None), "no sub-module 'refiner'"),
        (dict(optim_wrapper__optimizer__lr=0.0), 'optimizer.lr'),
        # As configs before 0.2 had them.
        (dict(custom_hooks=[dict(type='StagedTrainingHook')]), 'default_hooks'),
        (dict(custom_hooks=[dict(type='StagedTrainingHook', stages=ONE)]), 'custom_'),
        (
            dict(
                custom_hooks=[dict(type='EarlyStoppingHook', monitor='x', rule='less')]
            ),
            'EarlyS',
        ),
        (dict(default_hooks__checkpoint__by_epoch=False), 'end of an epoch'),
        (dict(train_cfg=dict(type='StagedTrainLoop')), 'by_epoch=True'),
        (dict(optim_wrapper__optimizer__type='FusedRMSprop'), 'RMSprop'),
        (dict(optim_wrapper__optimizer__type='FusedAdamW'), 'AdamW'),
    ],
)
def test_config_that_contradicts_itself(tiny, tmp_path, changes, named):
    # A loop without epochs has none of this one's options.
    config = (
        dict(train_cfg=dict(_delete_=True, **changes.pop('train_cfg')))
        if 'train_cfg' in changes
        else {}
    )
    with pytest.raises(UserError) as error:
        tiny.train(tmp_path, **changes, **config)
    assert named in str(error.value)
    assert '\n' not in str(error.value)
    assert not list(tmp_path.glob('*.pth'))
