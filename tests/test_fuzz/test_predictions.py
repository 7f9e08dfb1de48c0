"""Mutated files of predictions and ground truth give scores, or a UserError."""

import io
import json
import runpy
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from fuzzing import (
    ODD_JSON,
    counts,
    json_text,
    mutated,
    mutated_array,
    mutated_bytes,
    survives,
)

REPO = Path(__file__).resolve().parents[2]
FORMS = ('json', 'npz', 'npy', 'mat', 'h5')
PERSONS = 6


def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    joints = generator.integers(1, 200, (3, 14, PERSONS)).astype(np.float64)
    joints[2] = generator.integers(0, 2, (14, PERSONS))
    return {'joints': joints, 'scores': np.ones((PERSONS, 14))}


def write(path: Path, generator: np.random.Generator) -> None:
    """Write the arrays with one of them mutated, in bytes that may be, too."""
    content = arrays()
    if generator.random() < 0.5:
        name = ('joints', 'scores')[generator.integers(2)]
        content[name] = mutated_array(content[name], generator)
    kind = path.suffix[1:]
    try:
        path.write_bytes(FORMAT[kind](content, generator))
    except (TypeError, ValueError):  # not every kind of file holds every type
        return write(path, generator)
    if generator.random() < 0.6:
        path.write_bytes(mutated_bytes(path.read_bytes(), generator))


def as_json(content: dict, generator: np.random.Generator) -> bytes:
    lists = {name: array.tolist() for name, array in content.items()}
    if generator.random() < 0.3:
        lists = [
            {'preds': person}
            for person in content['joints'].transpose(2, 1, 0).tolist()
        ]
    if generator.random() < 0.5:
        lists = mutated(lists, generator, ODD_JSON)
    return json_text(lists, generator).encode()


def as_npz(content: dict, generator: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if generator.random() < 0.3 else np.savez)(stream, **content)
    return stream.getvalue()


def as_npy(content: dict, generator: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    np.save(stream, content['joints'])
    return stream.getvalue()


def as_mat(content: dict, generator: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    form = '4' if generator.random() < 0.3 else '5'
    compress = form == '5' and generator.random() < 0.3
    scipy.io.savemat(stream, content, format=form, do_compression=compress)
    return stream.getvalue()


def as_h5(content: dict, generator: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, 'w') as file:
        for name, array in content.items():
            chunks = generator.random() < 0.5 and array.size > 0
            file.create_dataset(
                name, data=array, **(dict(chunks=True, compression=4) if chunks else {})
            )
    return stream.getvalue()


FORMAT = dict(json=as_json, npz=as_npz, npy=as_npy, mat=as_mat, h5=as_h5)


@pytest.fixture(scope='module')
def main():
    return runpy.run_path(str(REPO / 'tools' / 'eval_predictions.py'))['main']


@counts(60, 1200)
@pytest.mark.parametrize('form', FORMS)
def test_predictions(form, seeds, tmp_path, main):
    sound, path = tmp_path / 'truth.mat', tmp_path / f'mutated.{form}'
    scipy.io.savemat(sound, arrays())
    np.save(tmp_path / 'sound.npy', arrays()['joints'])
    out = tmp_path / 'scores.json'

    def case(generator):
        out.unlink(missing_ok=True)
        write(path, generator)
        truth, predictions = sound, path
        if form in ('mat', 'h5', 'json') and generator.random() < 0.3:
            truth, predictions = path, tmp_path / 'sound.npy'
        command = ['--dataset=lsp', f'--gt={truth}', f'--pred={predictions}']
        with warnings.catch_warnings():
            warnings.simplefilter('error', RuntimeWarning)
            main([*command, f'--json={out}'])
        json.loads(out.read_text(), parse_constant=pytest.fail)

    survives(seeds, case)


@counts(60, 1200)
def test_head_boxes(seeds, tmp_path, main):
    person = dict(image='a.jpg', center=[50, 60], scale=1)
    person.update(joints=[[each, each] for each in range(16)], joints_vis=[1] * 16)
    truth, boxes = tmp_path / 'truth.json', tmp_path / 'boxes.mat'
    truth.write_text(json.dumps([person] * PERSONS))
    np.save(tmp_path / 'sound.npy', arrays()['joints'])
    sound = {'headboxes_src': np.ones((2, 2, PERSONS)) * [[[1]], [[9]]]}

    def case(generator):
        content = dict(sound)
        content['headboxes_src'] = mutated_array(sound['headboxes_src'], generator)
        try:
            scipy.io.savemat(boxes, content)
        except (TypeError, ValueError):
            return
        if generator.random() < 0.5:
            boxes.write_bytes(mutated_bytes(boxes.read_bytes(), generator))
        command = ['--dataset=mpii', f'--gt={truth}', f'--headboxes={boxes}']
        with warnings.catch_warnings():
            warnings.simplefilter('error', RuntimeWarning)
            main([*command, f'--pred={tmp_path / "sound.npy"}'])

    survives(seeds, case)
