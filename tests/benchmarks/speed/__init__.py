"""What envprint costs beside its peers, and how that grows: for docs/performance.md."""
