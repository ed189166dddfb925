"""One module per format; each has `render(report, colour) -> str` and touches nothing."""
