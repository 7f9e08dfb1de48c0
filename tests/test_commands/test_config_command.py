"""phr-config: a flat config that says the same, and never over another file."""

import pytest
from mmengine.config import Config

from phr_mmpose.commands.config import main, named_configs
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import config_folder


@pytest.mark.parametrize('name', ['phr_lite_lsp', 'mssnet/tiny/hourglass_masking'])
def test_a_flat_config_says_the_same(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main([name])
    (file,) = tmp_path.iterdir()
    assert capsys.readouterr().out == f'{file.name}\n'
    assert '_base_' not in file.read_text()
    found = Config.fromfile(file).to_dict()
    said = Config.fromfile(config_folder() / f'{name}.py').to_dict()
    assert found == {key: each for key, each in said.items() if key[0] != '_'}

    with pytest.raises(UserError, match='exists already'):
        main([name])
    with pytest.raises(UserError, match='no such config'):
        main([f'{name}.py'])


def test_all_are_listed(capsys):
    main([])
    names = capsys.readouterr().out.split()
    assert names == list(named_configs())
    assert {'phr_res152_mpii', 'survey/cpm_lsp'} < set(names)
    assert not any('_base_' in name or '/_' in name for name in names)
