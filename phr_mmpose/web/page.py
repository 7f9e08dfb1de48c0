"""The page: a photo goes in, the pose and what was seen of it come out."""

from collections.abc import Sequence

import cv2
import gradio as gr
import numpy as np

from phr_mmpose.datasets.figures import Figure
from phr_mmpose.utils.errors import UserError
from phr_mmpose.visualization.cascade_panel import choose_joints
from phr_mmpose.web.answer import (
    MAX_MEGAPIXELS,
    Answer,
    PhotoAnswerer,
    draw_corner,
)
from phr_mmpose.web.visits import Visit, Visits

TITLE = 'Seen or inferred?'

MAX_FILE_MB = 25
"""int: Of a photo that the page takes, in megabytes."""

# More pages than this that wait for their answer are told to come again.
_QUEUE = 64
_STEP = dict(api_visibility='undocumented')
# One model, one answer at a time; of photos that come meanwhile the last.
_MODEL = dict(
    _STEP, concurrency_id='model', concurrency_limit=1, trigger_mode='always_last'
)

# Else the figures take the room of three rows.
CSS = '#figures .grid-wrap {height: auto; min-height: 0}'

_INTRODUCTION = f"""
# {TITLE}
A detector looks for the body parts that it can see. A second network reads what it
found and places every joint, hidden ones too. **Filled joints were seen, hollow ones
inferred.**

<small>A photo is not stored: its file is deleted within a minute or so, and memory
holds it while this page is open. Up to {MAX_FILE_MB} MB and {MAX_MEGAPIXELS}
megapixels.</small>
"""
_ASK = 'Drop a photo of a person, or choose a drawn figure.'
_CHOOSE_CORNER = 'To choose one person, click on two opposite corners of a box.'
_GONE = 'This photo is no longer here: drop it again.'


def build_page(
    answerer: PhotoAnswerer, figures: Sequence[Figure], visits: Visits
) -> gr.Blocks:
    """Lay out the page.

    Args:
        answerer (PhotoAnswerer): What finds the poses.
        figures (Sequence[Figure]): Drawn figures to try.
        visits (Visits): Those of the open pages.

    Returns:
        gr.Blocks: To be launched.
    """
    names = [name.replace('_', ' ') for name in answerer.names]

    def take(photo: bytes | None, request: gr.Request) -> None:
        visits.set(request.session_hash, Visit(photo) if photo else None)

    def take_figure(event: gr.SelectData, request: gr.Request) -> None:
        figure = figures[event.index]
        _, png = cv2.imencode('.png', figure.image)
        visits.set(
            request.session_hash, Visit(png.tobytes(), tuple(figure.box.tolist()))
        )

    def forget(request: gr.Request) -> None:
        visits.set(request.session_hash, None)

    def answer(request: gr.Request) -> dict:
        blank = {
            picture: None,
            message: _ASK,
            person: gr.update(visible=False),
            whole: gr.update(visible=False),
            table: gr.update(visible=False),
            joints: gr.update(visible=False),
            panel: gr.update(visible=False),
            links: '',
        }
        visit = visits.get(request.session_hash)
        if visit is None:
            return blank
        try:
            found = answerer.answer(visit.photo, visit.box)
        except UserError as error:
            return {**blank, message: sentence(error)}
        return {**blank, **show(visit, found)}

    def show(visit: Visit, found: Answer) -> dict:
        drawn = answerer.picture(found)
        count = len(found.poses)
        updates = {
            picture: drawn,
            message: describe(found, answerer.kpt_thr),
            person: gr.update(
                choices=[(str(n + 1), n) for n in range(count)],
                value=0,
                visible=count > 1,
            ),
            whole: gr.update(visible=found.box is not None),
            links: answerer.downloads(found, drawn) if count else '',
        }
        # Of a photo that is not the page's any more nobody asks.
        visit.corner = None
        visit.shape, visit.shown = found.image.shape[:2], drawn.shape[:2]
        if count:
            view = answerer.view(found, 0)
            chosen = choose_joints(view)
            updates[table] = gr.update(value=answerer.rows(view), visible=True)
            updates[joints] = gr.update(value=chosen, visible=True)
            updates[panel] = gr.update(value=answerer.panel(view, chosen), visible=True)
        return updates

    def look(number: int, chosen: list[int], request: gr.Request) -> tuple:
        visit = visits.get(request.session_hash)
        if visit is None:
            raise gr.Error(_GONE)
        found = answerer.answer(visit.photo, visit.box)
        view = answerer.view(found, min(number, len(found.poses) - 1))
        return answerer.rows(view), answerer.panel(view, chosen)

    def click(event: gr.SelectData, request: gr.Request) -> dict:
        visit = visits.get(request.session_hash)
        if visit is None or visit.shape is None:
            return {message: _GONE}
        scale = np.divide(visit.shape[::-1], visit.shown[::-1])
        point = tuple((scale * event.index).tolist())
        if visit.corner is None:
            visit.corner = point
            return {
                picture: draw_corner(answerer.read(visit.photo), point),
                message: 'Now click on the opposite corner.',
            }
        both = np.array([visit.corner, point])
        visit.box = (*both.min(axis=0).tolist(), *both.max(axis=0).tolist())
        updates = answer(request)
        if updates[picture] is None:
            # The box is at fault, and the photo as good as it was.
            whole_photo(request)
            return {**answer(request), message: updates[message]}
        return updates

    def whole_photo(request: gr.Request) -> None:
        visit = visits.get(request.session_hash)
        if visit is not None:
            visit.box = visit.corner = None

    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=3):
                upload = gr.File(
                    label='Photo', type='binary', height=120, elem_id='upload'
                )
                gallery = gr.Gallery(
                    [figure.image[..., ::-1] for figure in figures],
                    label='Drawn figures',
                    columns=len(figures),
                    rows=1,
                    object_fit='contain',
                    allow_preview=False,
                    buttons=[],
                    elem_id='figures',
                )
                message = gr.Markdown(_ASK, elem_id='message')
                picture = gr.Image(
                    label='Pose',
                    interactive=False,
                    buttons=['fullscreen'],
                    elem_id='picture',
                    alt_text='The photo with the pose drawn on it',
                )
                with gr.Row():
                    whole = gr.Button('Forget the box', visible=False, size='sm')
                    links = gr.HTML(elem_id='links')
            with gr.Column(scale=2):
                person = gr.Radio([], label='Person', visible=False, elem_id='person')
                table = gr.Dataframe(
                    headers=['Joint', 'Verdict', 'Visible', 'Detector', 'Refiner'],
                    interactive=False,
                    visible=False,
                    max_height=680,
                    buttons=[],
                    elem_id='joints',
                )
        joints = gr.Dropdown(
            [(name, number) for number, name in enumerate(names)],
            value=[],
            multiselect=True,
            visible=False,
            label="What both networks make of these joints (the paper's Figure 2)",
            elem_id='chosen',
        )
        panel = gr.Image(
            show_label=False,
            interactive=False,
            visible=False,
            format='png',
            buttons=['download', 'fullscreen'],
            elem_id='panel',
            alt_text='Heatmaps of the detector and of the refiner',
        )
        results = [
            picture, message, person, whole, table, joints, panel, links,
        ]  # fmt: skip

        # The upload is read at once, before it waits for its turn.
        quick = dict(_STEP, queue=False)
        for event in (upload.upload, upload.clear):
            event(take, upload, None, **quick).then(answer, None, results, **_MODEL)
        gallery.select(take_figure, None, None, **quick).then(
            answer, None, results, **_MODEL
        )
        picture.select(click, None, results, **_MODEL)
        whole.click(whole_photo, None, None, **quick).then(
            answer, None, results, **_MODEL
        )
        for choice in (person, joints):
            choice.input(look, [person, joints], [table, panel], **_MODEL)
        page.unload(forget)
    return page.queue(max_size=_QUEUE)


def describe(answer: Answer, kpt_thr: float) -> str:
    """Say in a sentence or two what was found.

    Args:
        answer (Answer): The answer.
        kpt_thr (float): As in :class:`PhotoAnswerer`.

    Returns:
        str: Markdown.
    """
    count = len(answer.poses)
    if not count:
        return f'No person was found on this photo. {_CHOOSE_CORNER}'
    inferred = int((answer.poses.visible < kpt_thr).sum())
    of = answer.poses.visible.size
    persons = '1 person' if count == 1 else f'{count} persons'
    return (
        f'**{persons}: {of - inferred} of {of} joints seen, {inferred} inferred.** '
        f'{_CHOOSE_CORNER}'
    )


def sentence(error: UserError) -> str:
    """Make a sentence of a message, for Markdown."""
    text = str(error).replace('<', '&lt;')
    return f'{text[:1].upper()}{text[1:]}.'


def theme() -> gr.themes.Base:
    """Fonts of the browser's own: nothing comes from elsewhere."""
    return gr.themes.Default(
        font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace']
    )
