"""Real servers for tests: started when first used, private, gone with the session."""
