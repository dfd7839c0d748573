"""Pictures of training and of data, with matplotlib, which is imported when a function is called.

Every function returns a matplotlib Figure; with `path` it is saved there too (PNG, SVG, PDF by the ending).
"""

from linnet.viz.plot_confusion import plot_confusion
from linnet.viz.plot_forecast import plot_forecast
from linnet.viz.plot_history import plot_history
from linnet.viz.plot_images import plot_images
from linnet.viz.plot_learning_rates import plot_learning_rates

__all__ = ["plot_confusion", "plot_forecast", "plot_history", "plot_images", "plot_learning_rates"]
