"""Which back end trains and predicts."""


def make_backend(device, network, loss, dtype, levels=(), **loss_settings):
    """The back end for ``device``; imported here, so that importing the package loads no compiler.

    Parameters
    ----------
    device : {'cpu'}
    network : skmlp.network.layout.Network
    loss : str
    dtype : dtype
    levels : sequence of float
    **loss_settings : float
    """
    from skmlp.cpu.backend import CpuBackend

    return CpuBackend(network, loss, dtype, levels, **loss_settings)
