# LSP in MPII's 16 joints: pelvis and thorax, which it lacks, have no weight.
_base_ = './mpii.py'

dataset_info = dict(dataset_name='lsp', joint_weights=[1.0] * 6 + [0.0] * 2 + [1.0] * 8)
