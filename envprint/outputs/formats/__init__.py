"""One module per format; each has `render(report, colour, strict) -> str` and touches nothing."""
