"""What the ways into the product are called where people read of them. The product's own workers are no door worth naming. Imports `say` only."""

from audit.sentences import say

DOORS = {"web": say("web"), "cli": say("command line"), "api": "API", "slack": "Slack", "grant": "", "worker": "", "beat": "", "": ""}
