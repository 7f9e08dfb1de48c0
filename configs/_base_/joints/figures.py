# The drawn figures have MPII's joints.
_base_ = './mpii.py'

dataset_info = dict(dataset_name='figures')
