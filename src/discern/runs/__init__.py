"""What makes, resumes and finishes a run."""
