"""What a network is: which slice of the parameter vector is which layer, and with what values it starts."""
