"""The printed table."""

from phr_mmpose.evaluation.functional.pck import COLUMNS
from phr_mmpose.evaluation.report import table


def test_table_to_the_letter():
    row = dict(zip(COLUMNS, (97.25, 92.1, 88.06, 5, 100, 0, 88.7, 90.7), strict=True))
    split = dict.fromkeys(COLUMNS, float('nan'))
    # 97.25 is exact in binary: printf rounds such a tie to the even digit.
    assert table({'PCK@0.2': row, 'PCK@0.2 occluded': split}) == (
        '                   Head  Shoulder  Elbow  Wrist    Hip   Knee  Ankle  Total\n'
        'PCK@0.2            97.2      92.1   88.1    5.0  100.0    0.0   88.7   90.7\n'
        'PCK@0.2 occluded      -         -      -      -      -      -      -      -'
    )
