# How every data set is read: shuffled for training, each person once for a test.
# default_collate makes one tensor of a batch's pictures: a worker hands each tensor on
# through a file descriptor of its own, which with small pictures costs more than the
# augmentation.
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),
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
