"""The study database: Optuna's tables and winnow's, behind one writer and one reader."""
