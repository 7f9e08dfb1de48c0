# Two hourglasses: the baseline of MSS-Net's four ideas.
_base_ = ['../../hourglass_tiny_lsp.py', '../../_base_/lsp14_held_out.py']
row = dict(place=1, title='Stacked hourglass')
train_dataloader = dict(dataset=dict(datasets=_base_.training_sets))
val_dataloader = dict(dataset=_base_.held_out)
