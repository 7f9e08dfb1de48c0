# Table 5, row 2: row 1 with both parts in the paper's VGG-FCN form.
_base_ = '../../../../configs/phr_vgg16_mpii.py'
row = dict(place=2, title='Part heatmap regression (VGG)')
