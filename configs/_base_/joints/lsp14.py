# ruff: noqa: E501
# LSP's own 14 joints; colours and sigmas as in mpii.py.
_right, _left, _middle = [230, 120, 0], [86, 180, 233], [240, 228, 66]

dataset_info = dict(
    dataset_name='lsp',
    keypoint_info={
        0: dict(name='right_ankle', id=0, color=_right, type='lower', swap='left_ankle'),
        1: dict(name='right_knee', id=1, color=_right, type='lower', swap='left_knee'),
        2: dict(name='right_hip', id=2, color=_right, type='lower', swap='left_hip'),
        3: dict(name='left_hip', id=3, color=_left, type='lower', swap='right_hip'),
        4: dict(name='left_knee', id=4, color=_left, type='lower', swap='right_knee'),
        5: dict(name='left_ankle', id=5, color=_left, type='lower', swap='right_ankle'),
        6: dict(name='right_wrist', id=6, color=_right, type='upper', swap='left_wrist'),
        7: dict(name='right_elbow', id=7, color=_right, type='upper', swap='left_elbow'),
        8: dict(name='right_shoulder', id=8, color=_right, type='upper', swap='left_shoulder'),
        9: dict(name='left_shoulder', id=9, color=_left, type='upper', swap='right_shoulder'),
        10: dict(name='left_elbow', id=10, color=_left, type='upper', swap='right_elbow'),
        11: dict(name='left_wrist', id=11, color=_left, type='upper', swap='right_wrist'),
        12: dict(name='upper_neck', id=12, color=_middle, type='upper', swap=''),
        13: dict(name='head_top', id=13, color=_middle, type='upper', swap=''),
    },
    skeleton_info={
        0: dict(link=('right_ankle', 'right_knee'), id=0, color=_right),
        1: dict(link=('right_knee', 'right_hip'), id=1, color=_right),
        2: dict(link=('left_hip', 'left_knee'), id=2, color=_left),
        3: dict(link=('left_knee', 'left_ankle'), id=3, color=_left),
        4: dict(link=('right_shoulder', 'right_elbow'), id=4, color=_right),
        5: dict(link=('right_elbow', 'right_wrist'), id=5, color=_right),
        6: dict(link=('left_shoulder', 'left_elbow'), id=6, color=_left),
        7: dict(link=('left_elbow', 'left_wrist'), id=7, color=_left),
        8: dict(link=('upper_neck', 'head_top'), id=8, color=_middle),
        9: dict(link=('upper_neck', 'right_shoulder'), id=9, color=_right),
        10: dict(link=('upper_neck', 'left_shoulder'), id=10, color=_left),
        11: dict(link=('right_hip', 'left_hip'), id=11, color=_middle),
        12: dict(link=('right_shoulder', 'right_hip'), id=12, color=_right),
        13: dict(link=('left_shoulder', 'left_hip'), id=13, color=_left),
    },
    joint_weights=[1.0] * 14,
    # COCO's constants of the OKS; joints that COCO lacks have those of the face or the hips.
    sigmas=[
        0.089, 0.087, 0.107, 0.107, 0.087, 0.089, 0.062, 0.072,
        0.079, 0.079, 0.072, 0.062, 0.026, 0.026,
    ],
)  # fmt: skip
