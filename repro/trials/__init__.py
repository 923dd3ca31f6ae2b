"""What a trial or an artefact is: its name by content, its folder, its attempts, its sources."""
