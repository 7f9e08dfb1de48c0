"""Pictures of poses and of the cascade's maps."""

from phr_mmpose.visualization.cascade_panel import CascadeView, draw_cascade_panel
from phr_mmpose.visualization.poses import draw_poses

__all__ = ['CascadeView', 'draw_cascade_panel', 'draw_poses']
