"""Why did this call drop? An answer by rules, over what the store knows of a session and of others. Pure."""

from collector.verdict.rules import RULES, verdict_of
from collector.verdict.words import ACTIONS, BAD_FATES, Confidence, Line, Verdict

__all__ = ["ACTIONS", "BAD_FATES", "RULES", "Confidence", "Line", "Verdict", "verdict_of"]
