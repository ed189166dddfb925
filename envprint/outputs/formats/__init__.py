"""One module per format. Each has a pure function `render(report, colour, strict) -> str`."""
