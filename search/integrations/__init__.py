"""Callbacks for trainers of other libraries, each in a module that imports its library."""
