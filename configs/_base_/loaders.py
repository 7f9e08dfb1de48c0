# How every data set is read: shuffled for training, each person once for a test.
# A collate_fn of the test loader would be read by MMPoseInferencer, which knows
# MMEngine's own only.
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    collate_fn=dict(type='stack_inputs'),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(test_mode=True),
)
test_dataloader = val_dataloader
