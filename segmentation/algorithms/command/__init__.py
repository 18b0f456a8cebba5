"""Commands into ordered tasks: clauses by language (``english``, ``turkish``), then their graph (``graph``)."""
