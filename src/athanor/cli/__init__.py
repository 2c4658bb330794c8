"""The command line: one file a verb in `verbs/`; each parses, calls one function of a lower floor, prints."""
