"""EinsumDense: a dense layer by an equation."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import EinsumDense


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "in_shape", "out_shape"),
    [
        ("abc,cd->abd", (None, 5), "d", (4, 6), (4, 5)),
        ("abc,cde->abde", (None, 2, 3), "de", (4, 6), (4, 2, 3)),
        ("abc,cde->abde", (None, 2, 3), "e", (4, 6), (4, 2, 3)),
        ("abcd,cde->abe", (None, 5), None, (4, 2, 3), (4, 5)),
        ("abc,bd->adc", (3, 6), "d", (4, 6), (3, 6)),
        ("...c,cd->...d", 5, "d", (4, 2, 6), (4, 2, 5)),
        ("ab...,bc->ac...", 5, "c", (4, 6), (5, 6)),
    ],
)
def test_layer(equation, output_shape, bias_axes, in_shape, out_shape):
    kwargs = {"equation": equation, "output_shape": output_shape, "bias_axes": bias_axes}
    check_layer(EinsumDense, kwargs, in_shape, out_shape, 2 if bias_axes else 1)
    layer = EinsumDense(**kwargs, bias_initializer="normal")
    x = samples((3, *in_shape))
    y = layer(x)
    expected = np.einsum(equation, x, layer.kernel.numpy())
    np.testing.assert_allclose(
        y, expected if bias_axes is None else expected + layer.bias.numpy(), rtol=1e-4, atol=1e-5
    )


def test_initial_weights_know_their_connections():
    layer = EinsumDense("abcd,cde->abe", (None, 400), kernel_initializer=linnet.initializers.LecunNormal(seed=1))
    layer.build((None, 3, 10, 40))
    np.testing.assert_allclose(layer.kernel.numpy().std(), (1 / 400) ** 0.5, rtol=0.02)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="the equation must be like"):
        EinsumDense("ab,bc,cd->ad", 3)
    with pytest.raises(ValueError, match="the equation must be like"):
        EinsumDense("...ab,bc->ac", 3)
    with pytest.raises(NotImplementedError, match="LoRA"):
        EinsumDense("ab,bc->ac", 3, lora_rank=2)
    for equation, shape, match in [
        ("abc,cd->abd", (3,), r'einsum_dense "e": output_shape \(3,\) must have 2 sizes'),
        ("abcd,de->abce", (None, None, 3), 'the equation "abcd,de->abce" does not fit an input of shape'),
        ("abc,cd->abd", (5, 3), 'the input has size 4 in axis "b", output_shape says 5'),
        ("abc,cx->abd", (None, 3), 'the label "x" of the kernel is in neither'),
        ("abc,ca->abd", (None, 3), r'the size of axis "a" must be known'),
    ]:
        with pytest.raises(ValueError, match=match):
            EinsumDense(equation, shape, name="e").build((None, 4, 6))
    with pytest.raises(ValueError, match='the label "x" of bias_axes is not in the output'):
        EinsumDense("abc,cd->abd", (None, 3), bias_axes="x").build((None, 4, 6))
