# The paper's three stages (section 3.2). Its rate for the third is not given:
# the second's last. RMSprop as in the same group's published code: no momentum,
# no weight decay.
stages = [
    dict(
        name='detector',
        trains=['detector'],
        epochs=50,
        lr=dict(policy='exponential', start=1e-3, end=2.5e-5),
    ),
    dict(
        name='regressor',
        trains=['refiner'],
        epochs=40,
        lr=[(0, 1e-4), (20, 2.5e-5)],
    ),
    dict(name='joint', trains=['detector', 'refiner'], epochs=50, lr=2.5e-5),
]
optim_wrapper = dict(optimizer=dict(type='FusedRMSprop', lr=1e-3, alpha=0.99, eps=1e-8))
