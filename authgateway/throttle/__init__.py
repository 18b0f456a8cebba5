"""How often one may try: counted before the try, atomically, in Redis or, without it, in PostgreSQL."""
