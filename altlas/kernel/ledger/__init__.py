"""The ledger of background tasks: what was sent, what became of it, and the two verbs an operator has."""
