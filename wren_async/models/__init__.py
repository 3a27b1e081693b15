"""The models of both APIs, under their names: `from wren_async.models import cnaught` and then `cnaught.Order`."""
