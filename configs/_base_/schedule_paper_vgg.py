# The paper's three stages of the VGG variant (section 3.1). The two parts' rates lie
# three orders of magnitude apart, in the joint stage too, whose rates are not given:
# here each part's last. SGD as Fully Convolutional Networks, which the variant
# follows, use it.
stages = [
    dict(
        name='detector',
        trains=['detector'],
        epochs=20,
        lr=dict(policy='exponential', start=1e-8, end=1e-9),
    ),
    # Times 1,000: 1e-5, then 1e-6.
    dict(name='regressor', trains=['refiner'], epochs=20, lr=[(0, 1e-8), (10, 1e-9)]),
    dict(name='joint', trains=['detector', 'refiner'], epochs=10, lr=1e-9),
]
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-8, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys={'head.refiner': dict(lr_mult=1e3)}),
)
