"""The same trips, of an agent that leaves it to operators whether what it did is reversed."""

from agents.graphs.spec import AgentSpec
from tests.agents_for_tests.saga import trips

trip = trips.trip
AGENT = AgentSpec(slug="trip_by_hand", title="Trips by hand", tools=trips.TOOLS, input_model=trips.Trip, environment="demo")
