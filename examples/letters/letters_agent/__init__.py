"""An agent written with LangChain alone: nothing of Countersign is imported here."""
