"""What builds on the package but is no part of it; see each folder's README.md."""
