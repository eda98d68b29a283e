"""What a model is made of: parameter, module, container and layers."""
