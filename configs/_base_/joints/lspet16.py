# LSPET in MPII's 16 joints.
_base_ = './lsp16.py'

dataset_info = dict(dataset_name='lspet')
