"""Where examples come from and in which order: dataset, split, sampler, collate, loader."""
