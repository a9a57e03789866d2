"""What is run, and in which order: the joint search, and the priority table's steps."""
