"""A visit lasts as long as its page, or half an hour, and there are not too many."""

import sys
import time

from phr_mmpose.web.visits import Visit, Visits


def test_a_visit_ends_with_its_page():
    visits, visit = Visits(), Visit(b'photo')
    assert visits.get('page') is None
    visits.set('page', visit)
    assert visits.get('page') is visit
    visits.set('page', None)
    assert visits.get('page') is None
    visits.set('page', None)


def test_old_visits_are_forgotten():
    visits = Visits(seconds=100)
    visits.set('page', Visit(b'photo', begun=0.0))
    assert visits.get('page') is None


def test_old_visits_are_forgotten_though_nobody_comes():
    visits = Visits(seconds=100)
    photo = bytes(7)
    visits.set('page', Visit(photo, begun=time.monotonic() - 99.9))
    uses = sys.getrefcount(photo)
    visits.forget_old()
    assert sys.getrefcount(photo) == uses
    time.sleep(0.2)
    visits.forget_old()
    assert sys.getrefcount(photo) == uses - 1


def test_the_latest_are_kept():
    visits = Visits(most=2)
    for page in 'abac':
        visits.set(page, Visit(page.encode()))
    assert visits.get('b') is None
    assert visits.get('a').photo == b'a'
    assert visits.get('c').photo == b'c'
