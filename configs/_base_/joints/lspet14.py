# LSPET in LSP's 14 joints.
_base_ = './lsp14.py'

dataset_info = dict(dataset_name='lspet')
