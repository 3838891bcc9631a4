"""Random bits as a function of where they are needed, so that they depend on no thread, shard or device.

Integers are kept within 32 bits by masks, which gives the same bits in Python's integers and in a machine's.
"""


def mixed(x):
    """A permutation of the 32-bit integers in which every bit of x moves every other (Wellons, lowbias32, 2018)."""
    x = int(x)  # NumPy's integers would warn of the product's overflow, which the mask cuts off
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


def random_key(seed, step, layer):
    """A key for one layer in one step."""
    key = mixed(seed & 0xFFFFFFFF)
    key = mixed((key + step) & 0xFFFFFFFF)
    return mixed((key ^ (layer * 0x9E3779B1)) & 0xFFFFFFFF)


def random_bits(key, counter):
    """32 random bits for the element ``counter`` of what the key is for."""
    return mixed((mixed(counter & 0xFFFFFFFF) + key) & 0xFFFFFFFF)
