import numpy as np

from linnet.cli.recipes.sensors import CLASSES, STEPS, signals


def test_signals() -> None:
    x, y = signals(300, seed=3)
    assert x.shape == (300, STEPS, 1)
    assert x.dtype == np.float32
    assert np.bincount(y).tolist() == [100, 100, 100]
    means = {name: x[y == i, :, 0].mean(axis=0) for i, name in enumerate(CLASSES)}
    for mean in means.values():
        assert abs(mean[:16].mean()) < 0.3, "nothing begins before step 16"
    early, late = slice(33, 48), slice(64, 96)
    assert means["cylinder"][early].mean() > 5
    assert means["funnel"][early].mean() > 3 > means["bell"][early].mean()
    assert means["bell"][late].mean() > means["funnel"][late].mean()


def test_recipe(train) -> None:
    run = train("sensors", "cylinder_bell_funnel", "--epochs", "2")
    assert "1,200 training and 3,000 test signals of 128 steps" in run.out
    assert "baseline: the nearest mean signal: accuracy " in run.out
    assert "test accuracy" in run.out
