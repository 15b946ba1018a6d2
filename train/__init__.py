"""What only training needs. The script itself, `train_prm.py`, comes with the training work."""
