"""Which back end trains and predicts."""


def make_backend(device, network, loss, dtype):
    """The back end for ``device``; imported here, so that importing the package loads no compiler.

    Parameters
    ----------
    device : {'cpu'}
    network : skmlp.network.layout.Network
    loss : str
    dtype : dtype
    """
    from skmlp.cpu.backend import CpuBackend

    return CpuBackend(network, loss, dtype)
