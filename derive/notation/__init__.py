"""Index notation: symbols, terms, series, operators, and text read as expressions. Nothing here knows an
optimizer.
"""
