"""What the papers' methods are compared with: one module per baseline, in a folder per task."""
