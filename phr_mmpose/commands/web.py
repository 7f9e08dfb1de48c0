"""Show a page in the browser on which to try a cascade on photos.

It runs on this machine and for this machine alone, unless --host says otherwise; end it
by Ctrl-C. In a clone ``python tools/web_demo.py`` is the same command.

Examples:
    phr-web
    phr-web --det-config rtmdet_tiny_8xb32-300e_coco.py --det-weights rtmdet_tiny.pth
    phr-web --config configs/phr_tiny_lsp.py \
        --weights work_dirs/phr_tiny_lsp/stage_joint.pth --device cuda:0
"""

import argparse
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from phr_mmpose.utils.cli import check_within, run

import cv2

from phr_mmpose.apis.pose_model import load_pose_model
from phr_mmpose.commands.options import (
    add_model_options,
    add_person_options,
    box_source,
    check_person_options,
)
from phr_mmpose.datasets.body.figure_dataset import FigureDataset
from phr_mmpose.datasets.figures import Figure
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.packages import require
from phr_mmpose.web.answer import PhotoAnswerer
from phr_mmpose.web.cleaning import keep_clean
from phr_mmpose.web.visits import Visits
from phr_mmpose.zoo import find_model

# Two who are seen whole, two partly hidden.
_FIGURES_SEED, _FIGURES, _FIGURE_SIDE = 5, (2, 22, 16, 19), 480
# Gradio writes an upload and what it sends back into files. A second later nobody needs
# them: the upload was read, and the browser has the pictures. A slow one gets a minute.
_FILES_END, _CLEANING = 60, 5
# Pages that are open at a time; the one that was used least is told to begin again.
_SESSIONS = 64


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_options(parser)
    add_person_options(parser)
    parser.add_argument(
        '--kpt-thr',
        type=float,
        default=0.5,
        metavar='P',
        help='joints that are visible with a lower probability are inferred (0.5)',
    )
    parser.add_argument(
        '--host', default='127.0.0.1', help='address to listen on (127.0.0.1)'
    )
    parser.add_argument('--port', type=int, default=7860, help='port (7860)')
    args = parser.parse_args(argv)
    check_within('--kpt-thr', args.kpt_thr, 0, 1)
    check_within('--port', args.port, 1, 65535)
    check_person_options(args)
    return args


def command() -> None:
    """Run as the command ``phr-web``."""
    run(main)


def main(argv: Sequence[str] | None = None) -> None:
    """Show the page until it is ended.

    Args:
        argv (Sequence[str] | None): Command line without the program's name;
            None takes the process's own.

    Raises:
        UserError: If an option, the config or the weights are faulty, the model is
            no cascade, the address cannot be used, or Gradio is missing.
    """
    args = parse_args(argv)
    require('web', 'gradio')
    config, weights = find_model(args.config, args.weights)
    model = load_pose_model(config, weights, args.device)
    answerer = PhotoAnswerer(model, box_source(args), args.kpt_thr)
    figures = draw_figures()
    # A model that is no cascade is refused here, and the first visitor need not wait.
    answerer.answer(cv2.imencode('.png', figures[0].image)[1].tobytes())
    # However it is ended, the files are deleted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(
        prefix='phr_web_', ignore_cleanup_errors=True
    ) as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
        # Slow to import.
        from phr_mmpose.web.page import CSS, MAX_FILE_MB, build_page, theme

        visits = Visits()
        page = build_page(answerer, figures, visits)
        keep_clean(Path(folder), visits, _FILES_END, _CLEANING)
        try:
            page.launch(
                server_name=args.host,
                server_port=args.port,
                share=False,
                max_file_size=f'{MAX_FILE_MB}mb',
                state_session_capacity=_SESSIONS,
                theme=theme(),
                css=CSS,
                footer_links=[],
                ssr_mode=False,
                quiet=True,
                prevent_thread_lock=True,
            )
        except OSError:
            raise UserError(
                f'--host {args.host} --port {args.port}: cannot listen there; '
                'give another port, or an address of this machine'
            ) from None
        print(f'{page.local_url} (Ctrl-C ends it)', flush=True)
        page.block_thread()


def draw_figures() -> list[Figure]:
    """Draw the figures that the page offers."""
    dataset = FigureDataset(
        num=max(_FIGURES) + 1,
        seed=_FIGURES_SEED,
        image_size=_FIGURE_SIDE,
        occlusion=0.25,
        back_views=0,
    )
    return [dataset.figure(number) for number in _FIGURES]
