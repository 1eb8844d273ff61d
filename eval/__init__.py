"""Cases, metrics and runs that tell whether answers are right."""
