# The paper's cascade, tiny: the detector of visible joints, then the refiner.
_base_ = ['../../phr_tiny_lsp.py', '../../_base_/lsp14_held_out.py']
row = dict(place=6, title='Cascade')
train_dataloader = dict(dataset=dict(datasets=_base_.training_sets))
val_dataloader = dict(dataset=_base_.held_out)
