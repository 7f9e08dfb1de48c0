"""Drawn people with known joints: a data set that needs no download.

The modules, in the order in which they make a picture:

- :mod:`.body_model`: proportions, joint angles, joints in space;
- :mod:`.poses`: what people do, as distributions of joint angles;
- :mod:`.camera`: from space to the picture;
- :mod:`.outfit`: skin, hair, clothes, painted as textures of body parts;
- :mod:`.anatomy`: the solids that make up a person;
- :mod:`.solids`: the rasteriser: depth buffer, shading, texture look-up;
- :mod:`.background` and :mod:`.occluders`: what lies behind and in front;
- :mod:`.renderer`: :func:`draw_figure`, which puts a picture together;
- :mod:`.file_backend`: figures as files that MMEngine opens;
- :mod:`.cache` and :mod:`.sheet`: figures kept in memory, and many on one page.
"""

from phr_mmpose.datasets.figures.renderer import Figure, draw_figure

__all__ = ['Figure', 'draw_figure']
