"""The page of the models' costs: up to date, and what becomes of faults."""

from pathlib import Path

import pytest
from mmengine.fileio import load
from tool_modules import load_tool

from phr_mmpose.utils.errors import UserError

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def main():
    return load_tool('model_table').main


def derive(folder: Path, name: str, base: str, changes: str = '') -> Path:
    """A config like one of the repository's."""
    folder.mkdir(exist_ok=True)
    path = folder / f'{name}.py'
    path.write_text(f'_base_ = {str(REPO / "configs" / base)!r}\n{changes}\n')
    return path


def fails(main, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        main(list(map(str, arguments)))
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_the_page_is_what_the_configs_give(main, capsys):
    main(['--check'])
    assert capsys.readouterr().out.endswith('docs/models.md: up to date\n')


def test_the_metafile_knows_every_config():
    models = load(REPO / 'configs' / 'metafile.yml')['Models']
    named = {each['Config'] for each in models}
    folders = ('configs', 'configs/mssnet', 'configs/survey')
    found = {f'{each}/{path.name}' for each in folders for path in configs(each)}
    assert named == found
    assert all(each['Name'] == Path(each['Config']).stem for each in models)
    weights = [each['Weights'] for each in models if 'Weights' in each]
    assert weights and all((REPO / each).is_file() for each in weights)


def configs(folder: str) -> list[Path]:
    return list((REPO / folder).glob('[!_]*.py'))


def test_a_page_is_written_checked_and_found_stale(main, tmp_path):
    folder, page = tmp_path / 'configs', tmp_path / 'docs' / 'models.md'
    derive(folder, 'whole', 'phr_tiny_figures.py')
    derive(
        folder, 'alone', 'phr_tiny_figures.py', 'model = dict(head=dict(refiner=None))'
    )
    arguments = ['--configs', str(folder), '--out', str(page)]
    assert 'write it anew' in fails(main, *arguments, '--check')
    assert not page.exists()
    main(arguments)
    main([*arguments, '--check'])
    alone, whole = page.read_text().splitlines()[-2:]
    cells = [cell.strip() for cell in whole.strip('|').split('|')]
    assert cells[:3] == ['[whole](../configs/whole.py)', '64 x 64', '32 x 32']
    detector, refiner, total = map(float, cells[3:6])
    assert detector + refiner == pytest.approx(total, abs=0.011)
    cells = [cell.strip() for cell in alone.strip('|').split('|')]
    assert cells[4] == cells[7] == '-'
    assert cells[3] == cells[5] and float(cells[3]) == detector

    stale = page.read_text().replace('32 x 32', '64 x 64')
    page.write_text(stale)
    assert f'{page}: not what the configs give' in fails(main, *arguments, '--check')
    assert page.read_text() == stale


def test_a_relative_folder_is_in_the_metafile_too(main, tmp_path, monkeypatch):
    monkeypatch.chdir(REPO / 'docs')
    pages = []
    for folder in (REPO / 'configs' / 'survey', '../configs/survey'):
        main(['--configs', str(folder), '--out', str(tmp_path / 'models.md')])
        pages.append((tmp_path / 'models.md').read_text())
    assert '## What they reach' in pages[0]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    'changes, reason',
    [
        ("model = dict(backbone=dict(type='NoSuchNet'))", 'cannot be counted: KeyErr'),
        ('model = dict(head=dict(detector=dict(in_channels=7)))', 'set it to 448'),
        ('model = dict(head=dict(input_size=(63, 63)))', '63'),
        ('model = ', 'no readable config'),
    ],
)
def test_a_faulty_config_is_named(main, tmp_path, changes, reason):
    folder, page = tmp_path / 'configs', tmp_path / 'models.md'
    path = derive(folder, 'broken', 'phr_tiny_figures.py', changes)
    line = fails(main, '--configs', folder, '--out', page)
    assert str(path) in line and reason in line
    assert not page.exists()


def test_a_folder_without_configs(main, tmp_path):
    assert 'holds no config' in fails(main, '--configs', tmp_path)
