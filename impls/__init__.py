"""The PyTorch training loop, written four ways: manual, raw, custom, native."""

__version__ = "0.1.0"
