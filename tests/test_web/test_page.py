"""The page in a real browser: Chromium, as Debian has it."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from phr_mmpose.commands.web import draw_figures

webdriver = pytest.importorskip('selenium.webdriver', reason='no selenium')
pytest.importorskip('gradio', reason='no gradio: pip install -e ".[web]"')
from gradio_client import Client, handle_file  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM, DRIVER = shutil.which('chromium'), shutil.which('chromedriver')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason='no chromium and chromium-driver'
    ),
]


def free_port():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """The page's process, its address, and the folder that its files go to."""
    folder = tmp_path_factory.mktemp('server')
    command = [sys.executable, 'tools/web_demo.py', '--port', str(free_port())]
    process = subprocess.Popen(
        [*command, '--device', 'cpu'],
        cwd=ROOT,
        env={**os.environ, 'TMPDIR': str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process, process.stdout.readline().split()[0], folder
    process.terminate()
    assert process.wait(30) in (0, 130)
    # Nothing stays behind.
    assert not list(folder.glob('phr_web_*'))


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    folder = tmp_path_factory.mktemp('browser')
    for argument in (
        'headless=new',
        'no-sandbox',
        'disable-dev-shm-usage',
        'window-size=1280,1000',
        f'user-data-dir={folder}',
    ):
        options.add_argument(f'--{argument}')
    driver = webdriver.Chrome(
        options, webdriver.chrome.service.Service(executable_path=DRIVER)
    )
    yield driver
    driver.quit()


@pytest.fixture
def page(server, browser):
    return Page(browser, server[1])


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp('photo') / 'figure.png'
    cv2.imwrite(str(path), draw_figures()[0].image)
    return path


class Page:
    """The page, as a person uses it."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.get(address)
        self.wait(lambda: 'Drop a photo' in self.message)

    def find(self, selector):
        return self.browser.find_elements('css selector', selector)

    def wait(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.message
            time.sleep(0.05)

    @property
    def message(self):
        return ''.join(each.text for each in self.find('#message'))

    def upload(self, path):
        self.find('#upload input[type=file]')[0].send_keys(str(path))

    def upload_and_wait(self, path):
        self.upload(path)
        self.wait(lambda: 'joints seen' in self.message)

    @property
    def results(self):
        """What the links hold: the poses and the picture."""
        self.wait(lambda: len(self.find('#links a')) == 2)
        data = [link.get_attribute('href') for link in self.find('#links a')]
        poses, png = (base64.b64decode(each.partition('base64,')[2]) for each in data)
        return json.loads(poses), cv2.imdecode(np.frombuffer(png, np.uint8), 1)

    def click_picture(self, x, y):
        """Click at a share of the picture's width and height."""
        image = self.find('#picture img')[0]
        self.browser.execute_script(
            'arguments[0].scrollIntoView({block: "center"})', image
        )
        mouse = webdriver.ActionChains(self.browser)
        mouse.move_to_element_with_offset(
            image, (x - 0.5) * image.size['width'], (y - 0.5) * image.size['height']
        )
        mouse.click().perform()

    def save(self, path, width):
        """Take a screenshot of all of the page; return how wide it is."""
        metrics = dict(width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)
        time.sleep(1)
        metrics['height'] = self.browser.execute_script(
            'return document.documentElement.scrollHeight'
        )
        self.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', metrics)
        time.sleep(1)
        self.browser.save_screenshot(str(path))
        wide = self.browser.execute_script(
            'return document.documentElement.scrollWidth'
        )
        self.browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
        return wide


def test_a_photo_becomes_a_pose(page, photo, tmp_path):
    page.upload_and_wait(photo)
    poses, picture = page.results
    assert picture.shape == (640, 640, 3)
    (person,) = poses['images'][0]['persons']
    assert person['box'] == [0, 0, 480, 480]
    # The table draws only the rows that fit, once it is there.
    page.wait(lambda: page.find('#joints'))
    page.wait(lambda: 'right ankle\nseen' in page.find('#joints')[0].text)
    page.wait(lambda: page.find('#panel img'))
    for width in (1280, 390):
        wide = page.save(tmp_path / f'page_{width}.png', width)
        # Nothing is wider than the screen.
        assert wide <= width


def test_the_panel_follows_the_choice_of_joints(page, photo):
    page.upload_and_wait(photo)
    page.wait(lambda: page.find('#panel img'))

    def source():
        return page.find('#panel img')[0].get_attribute('src')

    before, chosen = source(), len(page.find('#chosen .token'))
    assert chosen == 6
    page.find('#chosen .token-remove')[0].click()
    page.wait(lambda: source() != before)
    assert len(page.find('#chosen .token')) == 5


def test_a_drawn_figure_is_taken_by_a_click(page):
    page.wait(lambda: len(page.find('#figures button img')) == 4)
    page.find('#figures button img')[1].click()
    page.wait(lambda: 'joints seen' in page.message)
    poses, _ = page.results
    assert len(poses['images'][0]['persons']) == 1


def test_of_two_photos_the_last_is_shown(page, photo, tmp_path):
    other = tmp_path / 'other.png'
    cv2.imwrite(str(other), np.zeros((300, 200, 3), np.uint8))
    page.upload(other)
    page.wait(lambda: page.find('#upload button[aria-label="Clear"]'))
    page.find('#upload button[aria-label="Clear"]')[0].click()
    page.wait(lambda: page.find('#upload input[type=file]'))
    page.upload(photo)
    page.wait(lambda: page.find('#links a'))
    page.wait(lambda: page.results[0]['images'][0]['width'] == 480)
    time.sleep(3)
    assert page.results[0]['images'][0]['width'] == 480


def test_two_clicks_choose_a_person(page, photo):
    page.upload_and_wait(photo)
    page.wait(lambda: page.find('#picture img'))
    page.click_picture(0.9, 0.8)
    page.wait(lambda: 'opposite corner' in page.message)
    # The picture with the corner is another element for a moment.
    time.sleep(1)
    page.click_picture(0.1, 0.2)
    page.wait(lambda: 'joints seen' in page.message)
    poses, _ = page.results
    box = poses['images'][0]['persons'][0]['box']
    np.testing.assert_allclose(box, [48, 96, 432, 384], atol=3)
    button = next(each for each in page.find('button') if 'Forget' in each.text)
    button.click()
    page.wait(lambda: page.results[0]['images'][0]['persons'][0]['box'][0] == 0)


@pytest.mark.parametrize(
    ('content', 'fact'),
    [
        (b'only text', 'This file: not a readable photo.'),
        (
            cv2.imencode('.png', np.zeros((8000, 8000), np.uint8))[1].tobytes(),
            '50 megapixels are read',
        ),
    ],
)
def test_a_file_that_is_no_photo_is_refused_in_one_sentence(
    page, tmp_path, content, fact
):
    path = tmp_path / 'photo.jpg'
    path.write_bytes(content)
    page.upload(path)
    page.wait(lambda: fact in page.message)
    assert not page.find('#links a')


def test_a_file_that_is_too_large_is_refused(page, tmp_path):
    path = tmp_path / 'photo.jpg'
    path.write_bytes(bytes(26 * 2**20))
    page.upload(path)
    page.wait(lambda: any('size' in each.text for each in page.find('body')))
    page.wait(
        lambda: re.search(
            'maximum allowed size|too large|exceeds', page.find('body')[0].text
        )
    )


def test_a_closed_tab_disturbs_nobody(server, browser, page, photo):
    first = browser.current_window_handle
    browser.switch_to.new_window('tab')
    Page(browser, server[1]).upload(photo)
    browser.close()
    browser.switch_to.window(first)
    page.upload_and_wait(photo)
    assert server[0].poll() is None


def test_twenty_uploads_at_once(server, photo):
    # As twenty browsers: one opens no more than six connections.
    def visit(number):
        client = Client(server[1], verbose=False)
        client.predict(handle_file(photo), api_name='/take')
        return client.predict(api_name='/answer')

    with ThreadPoolExecutor(20) as visitors:
        answers = list(visitors.map(visit, range(20)))
    messages = {each for answer in answers for each in answer if 'joints' in str(each)}
    assert len(answers) == 20
    assert len(messages) == 1, messages


def test_uploads_are_deleted(server, page, photo):
    _, _, folder = server
    page.upload_and_wait(photo)

    def files():
        return [path for path in folder.rglob('*.png') if path.stat().st_size]

    before = {path for path in files() if path.name == 'figure.png'}
    assert before
    page.wait(lambda: not any(path.exists() for path in before), 120)


def test_a_port_that_is_taken_ends_in_one_line(server):
    port = server[1].rstrip('/').rpartition(':')[2]
    done = subprocess.run(
        [sys.executable, 'tools/web_demo.py', '--port', port],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith('error: --host')
