"""What every app stands on: settings reader, errors, ids, clock, Redis, tasks, health."""
