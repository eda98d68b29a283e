"""Problems, drawn by hypothesis."""
