"""SGD against its formulas, and against torch's where it is installed."""

import numpy as np
import pytest
from support_optimizers import WAYS, check, run, start_and_gradients

from linnet.optimizers import SGD


def test_plain():
    check(lambda: SGD(0.1), lambda w, g, s, t: w - 0.1 * g)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov):
    def update(w, g, s, t):
        s["v"] = 0.9 * s.get("v", 0) - 0.1 * g
        return w + (0.9 * s["v"] - 0.1 * g if nesterov else s["v"])

    check(lambda: SGD(0.1, momentum=0.9, nesterov=nesterov), update)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nesterov", [False, True])
def test_agrees_with_torch(nesterov, way):
    torch = pytest.importorskip("torch")
    weights, gradients = start_and_gradients()
    parameters = [torch.nn.Parameter(torch.from_numpy(w)) for w in weights]
    peer = torch.optim.SGD(parameters, lr=0.05, momentum=0.8, nesterov=nesterov)
    for grads in gradients:
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = torch.from_numpy(grad)
        peer.step()
    ours = run(SGD(0.05, momentum=0.8, nesterov=nesterov), way)
    for got, want in zip(ours, parameters, strict=True):
        np.testing.assert_allclose(got, want.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_arguments():
    with pytest.raises(ValueError, match="momentum must lie in"):
        SGD(momentum=1.5)
    assert SGD().get_config()["learning_rate"] == pytest.approx(0.01)
    assert SGD().name == "SGD"
