"""Pictures of poses and of the cascade's heatmaps."""

from phr_mmpose.visualization.cascade_panel import CascadeView, draw_cascade_panel
from phr_mmpose.visualization.cascade_visualizer import CascadeVisualizer
from phr_mmpose.visualization.poses import draw_poses

__all__ = ['CascadeView', 'CascadeVisualizer', 'draw_cascade_panel', 'draw_poses']
