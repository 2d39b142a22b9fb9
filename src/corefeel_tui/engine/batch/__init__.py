"""The batch evaluation's model side: plan, run, harvest the evidence."""
