# For rows that are compared: LSP's training half and the extended training set without
# the last 200 photos of the former, on which choices are made.
_first_photos = dict(
    type='LspDataset',
    joints='lsp14',
    data_root='data/lsp/',
    ann_file='annotations/lsp_train.json',
    data_prefix=dict(img='images/'),
    indices=800,
    pipeline=[],
)
training_sets = [
    _first_photos,
    dict(
        type='LspetDataset',
        joints='lsp14',
        data_root='data/lsp/',
        ann_file='annotations/lspet_train.json',
        data_prefix=dict(img='images/'),
        pipeline=[],
    ),
]
held_out = dict(ann_file='annotations/lsp_train.json', indices=-200)
