"""The Batch pane: runs that are queued, what they show so far, and what their items said."""
