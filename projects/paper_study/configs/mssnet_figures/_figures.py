# Drawn figures for the rows of configs/mssnet/tiny, in the place of LSP. Objects hide
# 15 % of the joints in training, and which are hidden is known. As in the demo, nobody
# turns the back, and batches are small, since a short schedule lacks steps.
batch_size = 16
_figures = dict(
    _delete_=True,
    type='FigureDataset',
    image_size=112,
    occlusion=0.15,
    back_views=0.0,
    cache=True,
)
figures_train = dict(_figures, num=4000, seed=0)
figures_test = dict(_figures, num=500, seed=1)
evaluator = dict(_delete_=True, type='MpiiPCKhAccuracy')
