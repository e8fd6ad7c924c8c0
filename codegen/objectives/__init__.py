"""What objectives provide to kernels, as statements."""
