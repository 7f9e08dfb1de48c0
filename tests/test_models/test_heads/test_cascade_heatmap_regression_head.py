import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cascade_samples import (
    MODEL,
    PARTS,
    SIDE,
    batch,
    build_head,
    build_model,
    sample,
)
from mmpose.registry import MODELS

from phr_mmpose.codecs import GaussianConfidence
from phr_mmpose.models import CascadeHeatmapRegressionHead
from phr_mmpose.models.heads.cascade_head import mirror_back
from phr_mmpose.utils.errors import UserError


def test_both_names_are_registered():
    for name in ('CascadeHeatmapRegressionHead', 'CascadeHeatmapRegression'):
        assert MODELS.get(name) is CascadeHeatmapRegressionHead
    assert isinstance(
        build_head(type='CascadeHeatmapRegression'), CascadeHeatmapRegressionHead
    )


def test_defaults_are_the_paper_s():
    head = CascadeHeatmapRegressionHead(
        detector=dict(type='PartDetectorHead', in_channels=8),
        refiner=dict(type='HourglassRefiner', width=8, blocks=1),
        input_size=(256, 256),
    )
    assert head.out_channels == 16 and head.refiner.in_channels == 19
    assert head.detector_codec.radius == 10 and head.refiner_codec.sigma == 5
    assert head.refiner_codec.heatmap_size == (256, 256) and head.stack == 'sigmoid'


def joints(samples):
    return torch.from_numpy(
        np.concatenate([sample.gt_instance_labels.keypoints for sample in samples])
    )


def test_losses_equal_the_parts_put_together_by_hand():
    model = build_model(lively=True)
    head = model.head
    images, samples = batch()
    feats = model.extract_feat(images)
    losses = head.loss(feats, samples)
    assert sorted(losses) == ['loss_detector', 'loss_refiner']

    keypoints = joints(samples)
    logits = head.detector(feats[:-1], (SIDE, SIDE))
    confidence = head.refiner(torch.cat((images, logits.sigmoid()), dim=1))
    rows = torch.arange(SIDE).view(1, 1, SIDE, 1)
    columns = torch.arange(SIDE).view(1, 1, 1, SIDE)
    squared = (columns - keypoints[..., :1, None]) ** 2
    squared = squared + (rows - keypoints[..., 1:, None]) ** 2
    disc = (squared <= 9).float()
    disc[:, -1] = 0  # the occluded joint
    expected = F.binary_cross_entropy_with_logits(logits, disc)
    torch.testing.assert_close(losses['loss_detector'], expected)
    expected = F.mse_loss(confidence, torch.exp(-squared / 8))
    torch.testing.assert_close(losses['loss_refiner'], expected)


def test_logits_can_be_stacked():
    model = build_model(dict(stack='logits'), lively=True)
    head = model.head
    images, _ = batch()
    logits, confidence = head(model.extract_feat(images))
    expected = head.refiner(torch.cat((images, logits), dim=1))
    torch.testing.assert_close(confidence, expected)


def test_joint_gradients_flow_through_the_stack_into_the_detector():
    model = build_model(lively=True)
    images, samples = batch()
    losses = model.loss(images, samples)
    losses['loss_refiner'].backward()
    assert model.head.detector.score.weight.grad.any()
    assert model.backbone.conv1.weight.grad.any()


# "Regression" in place of the detection (paper, Table 5).
REGRESSED = dict(
    detector_codec=dict(type='GaussianConfidence', sigma=2),
    loss_detector=dict(type='ConfidenceMSELoss'),
    stack='logits',
)


class TestRegressionInPlaceOfDetection:
    @pytest.fixture
    def model(self):
        return build_model(REGRESSED, lively=True).eval()

    def test_both_losses_are_squared_errors_of_all_joints(self, model):
        images, samples = batch()
        head = model.head
        losses = head.loss(model.extract_feat(images), samples)
        with torch.no_grad():
            first = head.detector(model.extract_feat(images)[:-1], (SIDE, SIDE))
            second = head.refiner(torch.cat((images, first), dim=1))
        points = joints(samples)
        grid = torch.arange(SIDE)
        squared = (grid - points[..., :1, None]) ** 2
        squared = squared + (grid[:, None] - points[..., 1:, None]) ** 2
        # The last joint is occluded and has its Gaussian all the same.
        target = torch.exp(-squared / 8)
        torch.testing.assert_close(losses['loss_detector'], F.mse_loss(first, target))
        torch.testing.assert_close(losses['loss_refiner'], F.mse_loss(second, target))

    @pytest.mark.parametrize('flip_test', [False, True])
    def test_its_maps_are_what_it_puts_out(self, model, flip_test):
        images, samples = batch()
        model.test_cfg = dict(
            output='detector', output_heatmaps=True, flip_test=flip_test
        )
        with torch.no_grad():
            results = model.predict(images, samples)
            maps = model.head.detect(model.extract_feat(images))
            if flip_test:
                mirrored = model.head.detect(model.extract_feat(images.flip(-1)))
                maps = (maps + mirrored.flip(-1)[:, [1, 0, 2, 3]]) / 2
        assert maps.min() < -0.1  # no sigmoid has been there
        points, scores = model.head.detector_codec.decode_batch(maps)
        for index, result in enumerate(results):
            fields, instance = result.pred_fields, result.pred_instances
            torch.testing.assert_close(fields.detector_heatmaps, maps[index])
            np.testing.assert_allclose(instance.keypoints[0], points[index], atol=1e-4)
            np.testing.assert_allclose(
                instance.keypoint_scores[0], scores[index], rtol=1e-4
            )

    def test_a_squashed_stack_gets_one_line(self):
        with pytest.raises(UserError, match="ConfidenceMSELoss trains; set stack='log"):
            build_head(**{**REGRESSED, 'stack': 'sigmoid'})


class TestDetectorAlone:
    @pytest.mark.parametrize('changes', [{}, REGRESSED])
    def test_its_prediction_is_the_detector_s(self, changes):
        alone = build_model(dict(changes, refiner=None)).eval()
        cascade = build_model(changes, lively=True).eval()
        weights = cascade.state_dict()
        own = {k: v for k, v in weights.items() if not k.startswith('head.refiner')}
        alone.load_state_dict(own, strict=True)
        assert alone.head.subnetworks == ('detector',)
        assert alone.head.refiner_codec is None
        images, _ = batch()
        for flip_test in (False, True):
            alone.test_cfg = dict(flip_test=flip_test, output_heatmaps=True)
            cascade.test_cfg = dict(alone.test_cfg, output='detector')
            with torch.no_grad():
                pairs = [m.predict(*batch()) for m in (alone, cascade)]
            for one, other in zip(*pairs, strict=True):
                for key in ('keypoints', 'keypoint_scores'):
                    np.testing.assert_array_equal(
                        one.pred_instances[key], other.pred_instances[key]
                    )
                expected = other.pred_fields.detector_heatmaps
                assert torch.equal(one.pred_fields.heatmaps, expected)
                assert torch.equal(one.pred_fields.detector_heatmaps, expected)
        with torch.no_grad():
            scores, maps = alone(images, None, mode='tensor')
        torch.testing.assert_close(maps, scores if changes else scores.sigmoid())

    def test_its_loss_is_the_detector_s_and_trains_it_all(self):
        model = build_model(dict(refiner=None), lively=True)
        losses = model.loss(*batch())
        assert sorted(losses) == ['loss_detector']
        losses['loss_detector'].backward()
        assert all(p.grad is not None for p in model.parameters())

    def test_the_absent_refiner_cannot_be_asked(self):
        model = build_model(dict(refiner=None)).eval()
        model.test_cfg = dict(output='refiner')
        with pytest.raises(UserError, match=r"one of \('detector',\), got 'refiner'"):
            model.predict(*batch())


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_smaller_maps(stride):
    size = (SIDE // stride, SIDE // stride)
    model = build_model(dict(heatmap_size=size), lively=True)
    images, samples = batch()
    logits, confidence = model.head(model.extract_feat(images))
    assert logits.shape == confidence.shape == (2, PARTS, *size)
    losses = model.loss(images, samples)
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    # The codec's own radius and sigma are pixels of the map.
    assert build_head(
        heatmap_size=size, refiner_codec=None
    ).refiner_codec.sigma == 5 * 32 / (256 * stride)
    model.eval()
    with torch.no_grad():
        points = model.predict(images, samples)[0].pred_instances.keypoints
    assert ((points >= 0) & (points < SIDE)).all()


@pytest.mark.parametrize('heatmap_size', [SIDE, SIDE // 4])
def test_backbone_features_in_place_of_the_image(heatmap_size):
    model = build_model(
        dict(
            heatmap_size=(heatmap_size, heatmap_size),
            feature_index=0,
            feature_channels=8,
        ),
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=8,
            strides=(1, 2, 2, 1),
            out_indices=(0, 3),
        ),
        lively=True,
    )
    images, samples = batch()
    feats = model.extract_feat(images)
    assert feats[0].shape == (2, 8, SIDE // 4, SIDE // 4)
    assert model.head.refiner.in_channels == 8 + PARTS
    logits, confidence = model.head(feats)
    assert logits.shape == confidence.shape == (2, PARTS, heatmap_size, heatmap_size)
    maps = F.interpolate(
        logits.sigmoid(), size=(8, 8), mode='bilinear', align_corners=False
    )
    expected = model.head.refiner(torch.cat((feats[0], maps), dim=1))
    expected = F.interpolate(
        expected, size=(heatmap_size, heatmap_size), mode='bilinear'
    )
    torch.testing.assert_close(confidence, expected)
    sum(model.loss(images, samples).values()).backward()
    assert model.backbone.conv1.weight.grad.any()


@pytest.mark.parametrize('size', [(64, 32), (32, 64)])
@pytest.mark.parametrize('features', [{}, dict(feature_index=0, feature_channels=8)])
def test_pictures_need_not_be_square(size, features):
    width, height = size
    half = width // 2, height // 2
    model = build_model(
        dict(input_size=size, heatmap_size=half, **features),
        backbone=dict(MODEL['backbone'], out_indices=(0, 3)),
    )
    maps = model.head(model.extract_feat(torch.randn(1, 3, height, width)))
    assert [each.shape for each in maps] == [(1, PARTS, *half[::-1])] * 2


def test_a_neck():
    model = build_model(
        dict(detector=dict(type='PartDetectorHead', in_channels=16 + 32 + 64)),
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=8,
            strides=(1, 2, 2, 1),
            out_indices=(1, 2, 3),
        ),
        neck=dict(type='FeatureMapProcessor', concat=True, select_index=(0, 1, 2)),
    )
    images, samples = batch()
    assert [f.shape[1] for f in model.extract_feat(images)] == [112, 3]
    sum(model.loss(images, samples).values()).backward()


def test_a_person_without_any_annotation():
    model = build_model(lively=True)
    images, _ = batch(2)
    bare = sample(annotated=np.zeros((1, PARTS), np.float32))
    bare.gt_instance_labels.keypoints[:] = float('nan')
    losses = model.loss(images, [bare, bare])
    assert losses['loss_detector'] == losses['loss_refiner'] == 0
    sum(losses.values()).backward()
    for parameter in model.parameters():
        assert not parameter.grad.any()
    # Beside another person it changes nothing in the mean.
    model.eval()
    alone = model.loss(images[:1], [sample(3)])
    both = model.loss(images, [sample(3), bare])
    for name, loss in alone.items():
        torch.testing.assert_close(both[name], loss, rtol=1e-4, atol=1e-6)


class TestPredict:
    @pytest.fixture
    def model(self):
        return build_model(lively=True).eval()

    @staticmethod
    def predict(model, images, samples, **test_cfg):
        model.test_cfg = test_cfg
        with torch.no_grad():
            return model.predict(images, samples)

    def maps(self, model, images):
        with torch.no_grad():
            logits, confidence = model.head(model.extract_feat(images))
        return logits.sigmoid(), confidence

    def test_the_refiner_s_joints(self, model):
        images, samples = batch()
        _, confidence = self.maps(model, images)
        results = self.predict(model, images, samples)
        for index, result in enumerate(results):
            instance = result.pred_instances
            flat = confidence[index].flatten(1)
            place = flat.argmax(1)
            expected = torch.stack((place % SIDE, place // SIDE), dim=1)
            np.testing.assert_allclose(instance.keypoints[0], expected)
            np.testing.assert_allclose(instance.keypoint_scores[0], flat.max(1).values)
            assert 'pred_fields' not in result

    def test_the_detector_s_joints_without_the_refiner(self, model):
        images, samples = batch()
        probability, _ = self.maps(model, images)
        calls = []
        hook = model.head.refiner.register_forward_hook(lambda *_: calls.append(1))
        results = self.predict(model, images, samples, output='detector')
        hook.remove()
        assert not calls
        expected, scores = model.head.detector_codec.decode_batch(probability)
        for index, result in enumerate(results):
            instance = result.pred_instances
            np.testing.assert_allclose(
                instance.keypoints[0], expected[index], atol=1e-5
            )
            np.testing.assert_allclose(instance.keypoint_scores[0], scores[index])

    @pytest.mark.parametrize('output', ['refiner', 'detector'])
    def test_the_flip_test_averages_mirrored_maps(self, model, output):
        images, samples = batch()
        straight = self.maps(model, images)
        mirrored = self.maps(model, images.flip(-1))
        order = [1, 0, 2, 3]
        mean = [
            (a + b.flip(-1)[:, order]) / 2
            for a, b in zip(straight, mirrored, strict=True)
        ]
        results = self.predict(
            model, images, samples, flip_test=True, output_heatmaps=True, output=output
        )
        codec = model.head.refiner_codec
        if output == 'detector':
            codec = model.head.detector_codec
        points, scores = codec.decode_batch(mean[output == 'refiner'])
        for index, result in enumerate(results):
            fields = result.pred_fields
            torch.testing.assert_close(fields.detector_heatmaps, mean[0][index])
            torch.testing.assert_close(fields.heatmaps, mean[1][index])
            instance = result.pred_instances
            np.testing.assert_allclose(instance.keypoints[0], points[index], atol=1e-4)
            np.testing.assert_allclose(
                instance.keypoint_scores[0], scores[index], rtol=1e-5
            )

    def test_the_flip_test_at_full_resolution_makes_the_cascade_symmetric(self, model):
        images, samples = batch(1)
        test_cfg = dict(flip_test=True, output_heatmaps=True)
        straight = self.predict(model, images, samples, **test_cfg)[0].pred_fields
        mirrored = self.predict(model, images.flip(-1), batch(1)[1], **test_cfg)
        mirrored = mirrored[0].pred_fields.heatmaps
        torch.testing.assert_close(
            mirrored, straight.heatmaps.flip(-1)[[1, 0, 2, 3]], rtol=1e-4, atol=1e-5
        )

    def test_the_shift_of_smaller_maps_is_an_option(self):
        size = (SIDE // 4, SIDE // 4)
        model = build_model(dict(heatmap_size=size), lively=True).eval()
        images, samples = batch(1)
        straight = self.maps(model, images)[1]
        mirrored = self.maps(model, images.flip(-1))[1].flip(-1)[:, [1, 0, 2, 3]]
        plain = (straight + mirrored) / 2
        shifted = mirrored.clone()
        shifted[..., 1:] = 0.25 * mirrored[..., 1:] + 0.75 * mirrored[..., :-1]
        shifted = (straight + shifted) / 2
        for test_cfg, expected in (
            (dict(), shifted),
            (dict(shift_heatmap=True), shifted),
            (dict(shift_heatmap=False), plain),
        ):
            result = self.predict(
                model, images, samples, flip_test=True, output_heatmaps=True, **test_cfg
            )
            torch.testing.assert_close(result[0].pred_fields.heatmaps, expected[0])

    def test_fields_are_probabilities_and_of_one_size(self, model):
        images, samples = batch()
        results = self.predict(model, images, samples, output_heatmaps=True)
        probability, confidence = self.maps(model, images)
        for index, result in enumerate(results):
            fields = result.pred_fields
            assert sorted(fields.keys()) == ['detector_heatmaps', 'heatmaps']
            assert fields.heatmaps.shape == (PARTS, SIDE, SIDE)
            torch.testing.assert_close(fields.heatmaps, confidence[index])
            torch.testing.assert_close(fields.detector_heatmaps, probability[index])
            assert 0 <= fields.detector_heatmaps.min() <= 1

    def test_another_output_gets_one_line(self, model):
        images, samples = batch()
        with pytest.raises(UserError, match=r"test_cfg.output must be .*got 'both'"):
            self.predict(model, images, samples, output='both')


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(input_size=(36, 36)), r'\(36, 36\) is not divisible by 8'),
        (dict(input_size=(32, 36)), r'\(32, 36\) is not divisible by 8'),
        (dict(heatmap_size=(16, 8)), 'does not fit input_size'),
        (dict(heatmap_size=(30, 30)), 'does not fit input_size'),
        (dict(heatmap_size=(4, 4)), 'output_stride must be 1, 2 or 4, got 8'),
        (
            dict(
                heatmap_size=(8, 8),
                refiner=dict(type='HourglassRefiner', depth=1, output_stride=1),
            ),
            r'stride 4, the refiner puts out stride 1; set its output_stride to 4',
        ),
        (
            dict(refiner_codec=dict(type='GaussianConfidence', heatmap_size=(8, 8))),
            r'differ in heatmap_size: \(32, 32\) and \(8, 8\)',
        ),
        (
            dict(
                detector_codec=dict(
                    type='BinaryDisc', input_size=(64, 64), heatmap_size=(32, 32)
                )
            ),
            'differ in input_size',
        ),
        (
            dict(refiner=dict(type='HourglassRefiner', in_channels=19, depth=1)),
            'in_channels 19 does not fit the 7 stacked channels',
        ),
        (
            dict(refiner=dict(type='HourglassRefiner', out_channels=5, depth=1)),
            "refiner out_channels 5 differs from the head's 4",
        ),
        (
            dict(detector=dict(type='PartDetectorHead', in_channels=8, out_channels=9)),
            "detector out_channels 9 differs from the head's 4",
        ),
        (
            dict(
                detector_codec=dict(
                    type='BinaryDisc', visibility=dict(peak=1, mass=1, bias=[0] * 14)
                )
            ),
            'has biases of 14 keypoints, the head 4',
        ),
        (
            dict(detector=dict(type='HeatmapHead', in_channels=8)),
            'detector HeatmapHead is a whole head of MMPose',
        ),
        (
            dict(loss_refiner=dict(type='SigmoidCrossEntropyLoss')),
            'loss_refiner SigmoidCrossEntropyLoss takes logits',
        ),
        (dict(stack='softmax'), "stack must be one of .*got 'softmax'"),
        (dict(feature_index=0), 'feature_index and feature_channels go together'),
        (dict(input_size=256), 'input_size must be'),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line_at_construction(changes, words):
    with pytest.raises(UserError, match=words) as error:
        build_head(**changes)
    assert '\n' not in str(error.value)


def test_images_of_another_size_get_one_line():
    model = build_model()
    images, samples = batch(side=64)
    with pytest.raises(UserError, match=r'images of \(64, 64\).*input_size \(32, 32\)'):
        model.loss(images, samples)
    wide = torch.randn(1, 3, 32, 64)
    with pytest.raises(UserError, match=r'images of \(64, 32\)'):
        model.head(model.extract_feat(wide))


def test_another_number_of_joints_gets_one_line():
    images, samples = batch(parts=5)
    with pytest.raises(UserError, match='has 5 joints, the head out_channels 4'):
        build_model().loss(images, samples)
    other = batch(parts=PARTS)[1]
    with pytest.raises(UserError, match='one batch has persons of 4 and 5 joints'):
        build_model().loss(images, [other[0], samples[0]])


def test_samples_of_the_stock_packing_get_one_line():
    images, samples = batch()
    for item in samples:
        del item.gt_instance_labels.keypoints_unoccluded
    with pytest.raises(UserError, match='PackCascadeInputs'):
        build_model().loss(images, samples)


def test_features_too_small_for_the_refiner_get_one_line():
    model = build_model(dict(feature_index=0, feature_channels=64))
    images, samples = batch()
    with pytest.raises(UserError, match=r'maps of \(2, 2\) px, not divisible by 8'):
        model.loss(images, samples)


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_mirrored_maps_align_at_every_stride(stride):
    side = 16 * stride
    codec = GaussianConfidence((side, side), (16, 16), sigma=2.0, refinement='taylor')
    column = 5.0 * stride + 1
    points = torch.tensor([[[side - 1 - column, 7.0 * stride]]])
    seen, _ = codec.encode_batch(points, torch.ones(1, 1))
    aligned = mirror_back(seen, [0], 1 - 1 / stride)
    found, _ = codec.decode_batch(aligned)
    assert abs(found[0, 0, 0].item() - column) < 0.03 * stride


@pytest.mark.parametrize('alone', [False, True])
@pytest.mark.parametrize('out_indices', [(3,), (0, 3)])
def test_a_stock_estimator_gets_told_which_one_is_needed(alone, out_indices):
    model = build_model(
        dict(refiner=None) if alone else None,
        type='TopdownPoseEstimator',
        backbone=dict(MODEL['backbone'], out_indices=out_indices),
    )
    images, samples = batch()
    for method in (model.loss, model.predict):
        with pytest.raises(UserError, match="'CascadePoseEstimator'") as error:
            method(images, samples)
        assert '\n' not in str(error.value)
        assert 'TopdownAffine' not in str(error.value)
    model.test_cfg = dict(flip_test=True)
    with pytest.raises(UserError, match="'CascadePoseEstimator'"):
        model.predict(images, samples)
