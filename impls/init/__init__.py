"""How parameters are born: torch.nn.init."""
