"""Pages of the log. Belongs here: function views (`pages`) and how an event reads (`words`). Imports `audit.queries` only."""
