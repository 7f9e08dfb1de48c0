import copy

import pytest
import torch
from cascade_samples import batch, build_model
from mmengine.optim import OptimWrapper
from mmpose.registry import MODELS

from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.models import CascadePoseEstimator


def values(module):
    """Parameters and buffers, by name, copied."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(module, before):
    return all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def step(model, optimizer):
    images, samples = batch()
    optimizer.zero_grad()
    losses = model.loss(images, samples)
    sum(losses.values()).backward()
    optimizer.step()
    return losses


def train_only(model, parts):
    """Train some parts, as a stage does."""
    model.train()
    Freezing(model).train_only(parts)
    return model


def maps_of(model):
    with torch.no_grad():
        return model(batch()[0], None, mode='tensor')


def detector_modules(model):
    return torch.nn.ModuleList([model.backbone, model.head.detector])


def optimizer_of(model):
    # Momentum and decay move whatever has a gradient, be it zero.
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.1)


def test_registered():
    assert MODELS.get('CascadePoseEstimator') is CascadePoseEstimator


def test_parts_hold_every_parameter_once():
    model = build_model(
        neck=dict(type='FeatureMapProcessor', concat=True, select_index=(0,))
    )
    parts = model.subnetworks()
    assert list(parts) == ['detector', 'refiner']
    assert model.neck in parts['detector']
    held = [p for ms in parts.values() for m in ms for p in m.parameters()]
    assert len(held) == len(set(held)) == len(list(model.parameters()))


def test_all_parts_train_at_first():
    model = build_model()
    losses = step(model, optimizer_of(model))
    assert sorted(losses) == ['loss_detector', 'loss_refiner']


def test_stage_1_never_calls_the_refiner():
    model = build_model(lively=True)
    optimizer = optimizer_of(model)
    step(model, optimizer)  # fills the momentum of both parts
    train_only(model, ['detector'])
    refiner, detector = values(model.head.refiner), values(detector_modules(model))
    calls = []
    model.head.refiner.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(2):
        losses = step(model, optimizer)
    assert not calls and sorted(losses) == ['loss_detector']
    assert all(p.grad is None for p in model.head.refiner.parameters())
    assert same(model.head.refiner, refiner)
    assert not same(detector_modules(model), detector)
    assert not model.head.refiner.training and model.backbone.training


def test_stage_2_leaves_the_detector_alone_to_the_bit():
    model = build_model(lively=True)
    optimizer = optimizer_of(model)
    step(model, optimizer)
    train_only(model, ['refiner'])
    detector, refiner = values(detector_modules(model)), values(model.head.refiner)
    for _ in range(2):
        losses = step(model, optimizer)
    assert sorted(losses) == ['loss_refiner']
    frozen = list(detector_modules(model).parameters())
    assert all(p.grad is None and not p.requires_grad for p in frozen)
    assert same(detector_modules(model), detector)
    assert not same(model.head.refiner, refiner)
    # Running statistics and counters of the norm layers are among the values.
    assert any('num_batches_tracked' in name for name in detector)


def test_stage_2_builds_no_graph_of_the_detector():
    model = build_model()
    train_only(model, ['refiner'])
    images, _ = batch()
    feats = model.extract_feat(images)
    assert not any(f.requires_grad for f in feats)
    assert not model.head.detect(feats).requires_grad
    assert model.head.regress(model.head.detect(feats), feats).requires_grad


def test_the_detector_s_loss_counts_wherever_it_learns():
    # Of backbone and head either may stand still.
    for name in ('backbone.layer4', 'head.detector'):
        model = train_only(build_model(lively=True), [name])
        losses = step(model, optimizer_of(model))
        assert sorted(losses) == ['loss_detector']
        moved = [n for n, p in model.named_parameters() if p.grad is not None]
        assert moved and all(n.startswith(name) for n in moved)


def test_without_gradients_all_losses_are_told():
    model = train_only(build_model(), ['refiner'])
    with torch.no_grad():
        assert sorted(model.loss(*batch())) == ['loss_detector', 'loss_refiner']
    alone = build_model(dict(refiner=None))
    with torch.no_grad():
        assert sorted(alone.loss(*batch())) == ['loss_detector']


def test_the_image_is_handed_on():
    model = build_model()
    images, _ = batch()
    feats = model.extract_feat(images)
    assert [f.shape[1] for f in feats] == [64, 3]
    assert torch.equal(feats[-1], images)


@pytest.mark.parametrize('channels_last', [True, False])
def test_the_layout_of_memory_changes_no_value(channels_last):
    model = build_model(channels_last=channels_last, lively=True).eval()
    other = build_model(channels_last=not channels_last, lively=True).eval()
    weight = model.backbone.layer1[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last) == channels_last
    maps, others = maps_of(model), maps_of(other)
    torch.testing.assert_close(maps, others, rtol=1e-4, atol=1e-5)


def test_state_dict_round_trip(tmp_path):
    model = build_model(lively=True).eval()
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    other = build_model().eval()
    other.load_state_dict(
        torch.load(tmp_path / 'model.pth', weights_only=True), strict=True
    )
    for a, b in zip(maps_of(model), maps_of(other), strict=True):
        assert torch.equal(a, b)


def test_a_copy_is_a_model_of_its_own():
    # As the EMA hook makes it.
    model = build_model(lively=True)
    twin = copy.deepcopy(model)
    train_only(twin, ['refiner'])
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize('trained', [['detector'], ['refiner'], None])
def test_a_step_in_bfloat16_is_finite(trained):
    model = build_model(lively=True)
    if trained:
        train_only(model, trained)
    optimizer = optimizer_of(model)
    for _ in range(2):
        with torch.autocast('cpu', torch.bfloat16):
            losses = step(model, optimizer)
    for name, loss in losses.items():
        assert torch.isfinite(loss) and loss.dtype == torch.float32, name
    assert all(torch.isfinite(v).all() for v in model.state_dict().values())
    model.eval()
    images, samples = batch()
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        results = model.predict(images, samples)
    assert results[0].pred_instances.keypoints.dtype.kind == 'f'


def test_training_lowers_the_losses():
    model = build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    first = step(model, optimizer)
    for _ in range(15):
        last = step(model, optimizer)
    for name, loss in last.items():
        assert loss < 0.8 * first[name], name


def test_the_preprocessor_s_whole_road_from_pictures():
    model = build_model(lively=True)
    _, samples = batch()
    pictures = [torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)] * 2
    data = dict(inputs=pictures, data_samples=samples)
    losses = model.train_step(data, OptimWrapper(optimizer_of(model)))
    assert set(losses) == {'loss', 'loss_detector', 'loss_refiner'}
    model.eval()
    results = model.test_step(dict(inputs=pictures, data_samples=samples))
    assert results[1].pred_instances.keypoints.shape == (1, 4, 2)


def shake_norms(model):
    """Give the batch norms statistics and weights that a training would."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.add_(torch.randn_like(tensor) * 0.2)
            module.running_var.uniform_(0.5, 2)


class TestFusedFrozenDetector:
    @pytest.fixture
    def neck(self):
        return dict(type='FeatureMapProcessor', concat=True, select_index=(0,))

    def stage_2(self, **changes):
        model = build_model(lively=True, **changes)
        shake_norms(model)
        return train_only(model, ['refiner'])

    def test_it_gives_the_same_losses_and_gradients(self, neck):
        plain, fused = (
            self.stage_2(fuse_frozen=fuse, neck=neck) for fuse in (False, True)
        )
        fused.load_state_dict(plain.state_dict())
        for model in (plain, fused):
            model.loss(*batch())['loss_refiner'].backward()
        assert plain._fused_trunk is None
        assert not [
            m for m in fused._fused_trunk.modules() if 'BatchNorm' in type(m).__name__
        ]
        pairs = zip(
            plain.head.refiner.parameters(),
            fused.head.refiner.parameters(),
            strict=True,
        )
        for first, second in pairs:
            torch.testing.assert_close(second.grad, first.grad, rtol=1e-4, atol=1e-5)

    def test_it_is_no_part_of_the_model(self):
        model = self.stage_2()
        names = set(model.state_dict())
        before = values(detector_modules(model))
        model.loss(*batch())
        assert model._fused_trunk and set(model.state_dict()) == names
        assert len(list(model.parameters())) == len(list(build_model().parameters()))
        assert same(detector_modules(model), before)

    def test_it_follows_the_weights(self):
        model = self.stage_2()
        model.loss(*batch())
        other = build_model(lively=True)
        torch.manual_seed(1)
        shake_norms(other)
        model.load_state_dict(other.state_dict())
        images, samples = batch()
        expected = self.stage_2(fuse_frozen=False)
        expected.load_state_dict(other.state_dict())
        torch.testing.assert_close(
            model.loss(images, samples), expected.loss(images, samples)
        )
        model.double()
        assert model._fused_trunk is None
        assert model.extract_feat(images.double())[0].dtype == torch.float64

    def test_only_where_the_detector_is_frozen_in_training(self):
        model = self.stage_2()
        model.loss(*batch())
        assert model._fused_trunk is not None
        maps_of(model.eval())
        assert model._fused_trunk is None
        learning = train_only(build_model(), ['detector', 'refiner'])
        learning.loss(*batch())
        assert learning._fused_trunk is None

    def test_it_is_made_anew_after_the_detector_has_trained(self):
        model = build_model(lively=True)
        freezing = Freezing(model)

        def begin(part):
            model.train()
            freezing.train_only([part])

        begin('refiner')
        model.loss(*batch())
        begin('detector')
        step(model, optimizer_of(model))
        begin('refiner')
        losses = model.loss(*batch())
        assert model._fused_trunk is not None
        model.fuse_frozen = False
        torch.testing.assert_close(losses, model.loss(*batch()), rtol=1e-4, atol=1e-5)

    def test_a_copy_has_none(self):
        model = self.stage_2()
        model.loss(*batch())
        assert model._fused_trunk is not None
        assert copy.deepcopy(model)._fused_trunk is None

    def test_not_while_batch_statistics_move(self):
        # Frozen by hand, without evaluation mode.
        model = build_model(lively=True).train()
        model.backbone.requires_grad_(False)
        model.loss(*batch())
        assert model._fused_trunk is None


def test_compiled_parts_give_the_same_and_keep_their_names():
    plain = build_model(lively=True)
    # Traced as for any backend; the translation to machine code is torch's matter.
    model = build_model(lively=True, compile=dict(backend='eager'))
    assert model.state_dict().keys() == plain.state_dict().keys()
    freezing = {each: Freezing(each) for each in (plain, model)}
    for stage in (['detector'], ['refiner'], ['detector', 'refiner']):
        losses = []
        for each in (plain, model):
            each.train()
            freezing[each].train_only(stage)
            losses.append(each.loss(*batch()))
        torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(maps_of(model.eval()), maps_of(plain.eval()))
    assert all(m._compiled_call_impl for ms in model.subnetworks().values() for m in ms)
