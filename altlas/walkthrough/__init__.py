"""The main job, played over HTTP the way a client would."""
