"""The edge of a verdict as texts and events: readouts, spans, slots, changes, the fold."""
